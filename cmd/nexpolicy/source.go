package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policy/policyfile"
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
			codes = append(codes, fmt.Sprintf("%d\t%s", r.First, r.Name))
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

func readCode(s string) (classify.Code, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not an error code: a whole number is, such as 50 or -32603", s)
	}
	return classify.Code(n), nil
}

// explain tells of a code, or of a status alone, or of both.
func explain(set *policy.Set, code classify.Code, status int) policy.Explanation {
	if status == 0 {
		return set.Explain(code)
	}
	e := &classify.Error{Status: status}
	if code != 0 {
		e.Details = []classify.Detail{{Code: code}}
	}
	return set.ExplainVerdict(set.Catalog().Classify(e))
}

// A stretch is a code, or a run of codes, for which the same is said.
type stretch struct{ first, last classify.Code }

func (s stretch) String() string {
	if s.first == s.last {
		return strconv.Itoa(int(s.first))
	}
	return fmt.Sprintf("%d..%d", s.first, s.last)
}

// stretches cuts the codes that one of the tables knows wherever any of them may
// begin to say something else.
func stretches(sets ...*policy.Set) (all []stretch) {
	var cuts []classify.Code
	cut := func(first, last classify.Code) {
		if cuts = append(cuts, first); last+1 > last {
			cuts = append(cuts, last+1)
		}
	}
	known := func(code classify.Code) bool {
		return slices.ContainsFunc(sets, func(s *policy.Set) bool { _, ok := s.Catalog().Lookup(code); return ok })
	}
	for _, set := range sets {
		for _, r := range set.Catalog().Rules() {
			last := r.Last
			if last == 0 {
				last = r.First
			}
			cut(r.First, last)
		}
		for _, code := range set.Codes() {
			cut(code, code)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, first := range cuts {
		switch {
		case !known(first):
		case i+1 < len(cuts):
			all = append(all, stretch{first, cuts[i+1] - 1})
		default:
			all = append(all, stretch{first, 1<<(strconv.IntSize-1) - 1})
		}
	}
	return all
}
