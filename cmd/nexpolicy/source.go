package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
)

// defaultTable is the table used without --file.
const defaultTable = "nexpay"

// load reads a built-in table or a file. A file with the name of a table needs its
// folder: ./nexpay.
func load(name string) (*policyfile.File, error) {
	if data, ok := policyfile.Builtin(name); ok {
		return policyfile.Parse(name, data)
	}
	f, err := policyfile.Load(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no file and no built-in table %s; the built-in tables are %s",
			name, strings.Join(policyfile.Builtins(), ", "))
	}
	return f, err
}

// fileFlag adds --file to a command.
func fileFlag(cmd *cobra.Command) *string {
	name := cmd.Flags().StringP("file", "f", defaultTable, "a file of policies, or one of "+strings.Join(policyfile.Builtins(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("file", completeFile)
	return name
}

func completeFile(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return policyfile.Builtins(), cobra.ShellCompDirectiveDefault
}

// completeCode completes the codes of the table, with their names.
func completeCode(file *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		f, err := load(*file)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var codes []string
		for _, r := range f.Policies.Catalog().Rules() {
			if first, _, ok := r.Bounds(); ok {
				codes = append(codes, fmt.Sprintf("%s\t%s", first, r.Name))
			}
		}
		return codes, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// statusFlag adds --status to a command.
func statusFlag(cmd *cobra.Command) *int {
	return cmd.Flags().Int("status", 0, "the HTTP status of the answer, 100 to 599")
}

func checkStatus(cmd *cobra.Command, status int) error {
	if cmd.Flags().Changed("status") && (status < 100 || status > 599) {
		return fmt.Errorf("--status %d is not an HTTP status from 100 to 599", status)
	}
	return nil
}

// readCode returns the code that the user typed, or "" for a code that means success.
func readCode(set *policy.Set, text string) (classify.Code, error) {
	code := classify.Code(text)
	success := set.Catalog().Shape().Success
	switch {
	case text == "", success == nil && text == "0", slices.Contains(success, code):
		return "", nil
	case !code.Valid():
		return "", fmt.Errorf("invalid code %q: a code has at most 128 bytes, all printable", text)
	}
	return code, nil
}

// explain explains a code, a status, or both.
func explain(set *policy.Set, code classify.Code, status int) policy.Explanation {
	if status == 0 {
		return set.Explain(code)
	}
	e := &classify.Error{Status: status}
	if code != "" {
		e.Details = []classify.Detail{{Code: code}}
	}
	return set.ExplainVerdict(set.Catalog().Classify(e))
}
