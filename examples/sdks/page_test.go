package sdks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The Go code on the page about SDKs stands, line by line and in this order, in one
// file that is compiled and tested here.
func TestPageHasTheRecipes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sdks.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	sources := map[string][]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(source)) {
			sources[file] = append(sources[file], strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//")))
		}
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		found := false
		for _, source := range sources {
			found = found || inOrder(block[1], source)
		}
		require.True(t, found, "no file has this:\n%s", block[1])
	}
	require.False(t, inOrder("b\na\n", []string{"a", "b"}))
}

func inOrder(block string, source []string) bool {
	at := 0
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		if line == "" || line == "// …" {
			continue
		}
		for at < len(source) && source[at] != line {
			at++
		}
		if at == len(source) {
			return false
		}
		at++
	}
	return true
}
