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

// defaultTable is the one that is spoken of where nothing else is said.
const defaultTable = "nexpay"

// load reads one of the tables that come with the library, or a file: one that is
// called like a table has to be written with its folder, ./nexpay.
func load(name string) (*policyfile.File, error) {
	if data, ok := policyfile.Builtin(name); ok {
		return policyfile.Parse(name, data)
	}
	f, err := policyfile.Load(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s, and no table of that name: those that come with the library are %s",
			name, strings.Join(policyfile.Builtins(), ", "))
	}
	return f, err
}

// fileFlag adds --file to a command.
func fileFlag(cmd *cobra.Command) *string {
	name := cmd.Flags().StringP("file", "f", defaultTable, "a file of policies, or "+strings.Join(policyfile.Builtins(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("file", completeFile)
	return name
}

func completeFile(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return policyfile.Builtins(), cobra.ShellCompDirectiveDefault
}

// completeCode offers the codes of the table with what they mean.
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
	return cmd.Flags().Int("status", 0, "the HTTP status that the code came with, 100 to 599")
}

func checkStatus(cmd *cobra.Command, status int) error {
	if cmd.Flags().Changed("status") && (status < 100 || status > 599) {
		return fmt.Errorf("--status %d is not an HTTP status: 100 to 599 are", status)
	}
	return nil
}

// readCode is the code that somebody wrote, "" for one that says that there is no
// error.
func readCode(set *policy.Set, text string) (classify.Code, error) {
	code := classify.Code(text)
	success := set.Catalog().Shape().Success
	switch {
	case text == "", success == nil && text == "0", slices.Contains(success, code):
		return "", nil
	case !code.Valid():
		return "", fmt.Errorf("no answer has the code %q: a code has at most 128 bytes, all printable", text)
	}
	return code, nil
}

// explain tells of a code, or of a status alone, or of both.
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
