package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// Virtual time is to be had in a test only, and package testing runs tests for
// whole processes only. So the program starts itself once more, as a test that
// measures, and reads what came of it from a file.
const asMeasurement = "LANES_MEASURE"

// An order is what the measuring process is asked for.
type order struct {
	Options options
	Answer  string // path of the file
}

// inVirtualTime measures all cases in a process of their own.
func inVirtualTime(o options) (results []result, err error) {
	folder, err := os.MkdirTemp("", "lanes")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ask := order{Options: o, Answer: filepath.Join(folder, "results.json")}
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asMeasurement+"="+string(text))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("measuring: %w\n%s", err, bytes.TrimSpace(out))
	}
	answer, err := os.ReadFile(ask.Answer)
	return results, errors.Join(err, json.Unmarshal(answer, &results))
}

// measureIfAsked is the measuring process. It returns only in any other.
func measureIfAsked() {
	text := os.Getenv(asMeasurement)
	if text == "" {
		return
	}
	all := func(string, string) (bool, error) { return true, nil }
	os.Args = os.Args[:1]
	testing.Main(all, []testing.InternalTest{{Name: "measure", F: func(t *testing.T) {
		var ask order
		if err := json.Unmarshal([]byte(text), &ask); err != nil {
			t.Fatal(err)
		}
		var results []result
		for _, k := range kases {
			synctest.Test(t, func(t *testing.T) {
				r, err := measure(k, ask.Options)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, r)
			})
		}
		answer, err := json.Marshal(results)
		if err == nil {
			err = os.WriteFile(ask.Answer, answer, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}}}, nil, nil)
}
