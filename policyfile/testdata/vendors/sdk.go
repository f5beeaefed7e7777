package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// sdk is one of a vendor, for Node.js or Go.
type sdk struct {
	name   string
	module string // of those for Go
	run    runner
}

// A runner makes a call of an SDK to each URL, and returns what it ended with; those that did not end are left out.
type runner func(ctx context.Context, folder string, urls map[string]string) (ends map[string]string, err error)

//go:embed calls.mjs package.json package-lock.json
var files embed.FS

// install puts the SDKs for Node.js into a new folder.
func install(ctx context.Context) (folder string, err error) {
	folder, err = os.MkdirTemp("", "vendors")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(folder, files); err != nil {
		return folder, err
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir, npm.Stderr = folder, os.Stderr
	return folder, npm.Run()
}

// node is an SDK for Node.js, which has a process of its own.
func node(name string) sdk {
	return sdk{name: name, run: func(ctx context.Context, folder string, urls map[string]string) (map[string]string, error) {
		var complaints bytes.Buffer
		input, err := json.Marshal(map[string]any{"sdk": name, "scenes": urls})
		if err != nil {
			return nil, err
		}
		// The process stops itself, so that it tells what ended until then; it is stopped if it does not.
		deadline, _ := ctx.Deadline()
		longer, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline.Add(10*time.Second))
		defer cancel()
		process := exec.CommandContext(longer, "node", "calls.mjs", fmt.Sprint(deadline.UnixMilli()))
		process.Dir, process.Stdin, process.Stderr = folder, bytes.NewReader(input), &complaints
		output, err := process.Output()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, &complaints)
		}
		var ends map[string]string
		return ends, json.Unmarshal(output, &ends)
	}}
}

// version is the one that is installed, or built in.
func (s sdk) version(folder string) (string, error) {
	if s.module == "" {
		var p struct{ Version string }
		file, err := os.ReadFile(filepath.Join(folder, "node_modules", s.name, "package.json"))
		if err != nil {
			return "", err
		}
		return p.Version, json.Unmarshal(file, &p)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errors.New("no versions in this program")
	}
	for _, m := range info.Deps {
		if m.Path == s.module {
			return strings.TrimPrefix(m.Version, "v"), nil
		}
	}
	return "", fmt.Errorf("%s is not in this program", s.module)
}
