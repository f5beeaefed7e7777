package main

import (
	_ "embed"

	"github.com/nexpay-go/resilience/policy/policyfile"
)

//go:embed papaya.yaml
var table []byte

// papayaFile is the one file that another API takes.
func papayaFile() (*policyfile.File, error) { return policyfile.Parse("papaya.yaml", table) }
