package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/policyfile"
)

func newCatalogs(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "catalogs",
		Short: "The tables that come with the library",
		Long: `The tables that come with the library: what each is called, as in --file NAME and in
extends: NAME; what API it is for; how many rules it has; where it finds the code in an
answer; and which header of a request makes it safe to send again, and for how long.`,
		Example: `  nexpolicy catalogs`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t := out.table()
			t.AppendHeader(table.Row{"name", "API", "rules", "code in an answer", "key that makes a resend safe"})
			for _, name := range policyfile.Builtins() {
				f, err := load(name)
				if err != nil {
					return err
				}
				c := f.Policies.Catalog()
				key, shape := "", filledShape(c.Shape())
				if len(shape.IdempotencyKeys) > 0 {
					key = fmt.Sprintf("%s, for %s", strings.Join(shape.IdempotencyKeys, ", "), short(shape.IdempotentFor))
				}
				t.AppendRow(table.Row{name, c.Name(), len(c.Rules()), listed(shape.Code), key})
			}
			fmt.Fprintln(out, t.Render())
			return nil
		},
	}
}
