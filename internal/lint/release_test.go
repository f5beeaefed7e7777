package lint_test

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"
)

// noVersion is what nobody can get: a version that somebody wrote before there was one,
// and the one that go mod tidy writes of a module that is replaced.
var noVersion = regexp.MustCompile(`(?m)^.*\bv0\.0\.0(-00010101000000-000000000000)?(\s.*)?$`)

// unpublished returns the lines of a go.mod or go.work that ask for what nobody can get,
// or for another version of this repository than all the others.
func unpublished(text string) (found []string) {
	found = append(found, noVersion.FindAllString(text, -1)...)
	for _, m := range sibling.FindAllStringSubmatch(text, -1) {
		if m[1] != version && !noVersion.MatchString(m[0]) {
			found = append(found, m[0])
		}
	}
	return found
}

var sibling = regexp.MustCompile(`(?m)^.*\b` + regexp.QuoteMeta(module) + `(?:/\S+)? (v\S+).*$`)

// A module that asks for v0.0.0 of another builds in a clone, where that is replaced, and
// nowhere else. Those below testdata count too: they are run by scripts.
func TestEveryRequirementCanBeGot(t *testing.T) {
	atRoot(t)
	t.Parallel()
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Name() == "go.mod" || d.Name() == "go.work":
			files++
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.Empty(t, unpublished(string(text)), name)
		}
		return nil
	}))
	require.Greater(t, files, len(mayRequire))

	for line, want := range map[string]int{
		"require example.org/a v0.0.0":                                      1,
		"\texample.org/a v0.0.0 // indirect":                                1,
		"\texample.org/a v0.0.0-00010101000000-000000000000":                1,
		"\texample.org/a v0.0.0-20261204000000-0123456789ab":                0,
		"require example.org/a v0.0.01":                                     0,
		"require example.org/a v10.0.0":                                     0,
		"\t" + module + " " + version:                                       0,
		"\t" + module + "/journal " + version + " // indirect":              0,
		"\t" + module + "/journal v0.0.0":                                   1,
		"\t" + module + "/journal v0.0.9 // indirect":                       1,
		"\t" + module + "/journal v0.0.9 => ./journal":                      1,
		"module " + module:                                                  0,
		"\t" + module + "/journal " + version + "-rc.1":                     1,
		"require " + module + "/journal v0.0.0-20261204000000-0123456789ab": 1,
	} {
		require.Len(t, unpublished("go 1.26.0\n"+line+"\n"), want, line)
	}
}

// bash skips where the scripts do not run.
func bash(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("releases are made where there are bash, awk and sort")
	}
}

// script runs a script of a repository, with nothing from elsewhere to be had.
func script(t *testing.T, repository, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(repository, name), args...)
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOMODCACHE="+filepath.Join(repository, ".git", "modules"), "GOFLAGS=-modcacherw", "GOWORK=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// repository makes one with our scripts and the files, all committed. Files are by path,
// of a go.mod it is what its module requires.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		at := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(text), mode))
	}
	for _, name := range []string{"scripts/modules", "scripts/tidy", "scripts/release"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		write(name, string(text), 0o755)
	}
	use := "go 1.26.0\n"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, mode := files[name], os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") || strings.HasPrefix(name, ".ci/") {
			mode = 0o755
		}
		if at := path.Dir(name); path.Base(name) == "go.mod" {
			text = strings.TrimSpace("module "+path.Join("example.org/m", at)+"\n\ngo 1.26.0\n\n"+text) + "\n"
			use += "use ./" + at + "\nreplace " + path.Join("example.org/m", at) + " v0.1.0 => ./" + at + "\n"
		}
		write(name, text, mode)
	}
	write("go.work", use, 0o644)
	git(t, folder, "init", "-q", "-b", "main")
	for _, setting := range []string{"user.name=test", "user.email=test@localhost", "commit.gpgsign=false", "tag.gpgsign=false"} {
		name, value, _ := strings.Cut(setting, "=")
		git(t, folder, "config", name, value)
	}
	commit(t, folder)
	return folder
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func commit(t *testing.T, folder string) {
	t.Helper()
	git(t, folder, "add", "--all")
	git(t, folder, "commit", "-q", "-m", "test")
}

func TestModulesAreInOrder(t *testing.T) {
	atRoot(t)
	t.Parallel()
	bash(t)
	folder := repository(t, map[string]string{
		"go.mod":            "require example.org/other v1.0.0",
		"a/go.mod":          "require (\n\texample.org/m v0.1.0\n\texample.org/m/b/c v0.1.0 // tests only\n)",
		"b/c/go.mod":        "require example.org/m v0.1.0 // indirect",
		"d/go.mod":          "require example.org/m/a v0.1.0",
		"b/go.mod":          "// require example.org/m/d v0.1.0",
		"examples/e/go.mod": "require example.org/m v0.1.0",
		"a/testdata/go.mod": "",
		"internal/f/go.mod": "",
	})
	out, err := script(t, folder, "scripts/modules")
	require.NoError(t, err)
	require.Equal(t, ". example.org/m\nb example.org/m/b\nb/c example.org/m/b/c\na example.org/m/a\nd example.org/m/d\n", out)

	circle := repository(t, map[string]string{
		"go.mod":   "",
		"a/go.mod": "require example.org/m/b v0.1.0",
		"b/go.mod": "require example.org/m/a v0.1.0",
	})
	out, err = script(t, circle, "scripts/modules")
	require.Error(t, err)
	require.Contains(t, out, "modules that require each other")
}

// Every module of this repository that is no example is published, behind what it requires.
func TestModulesArePublishedBehindWhatTheyRequire(t *testing.T) {
	atRoot(t)
	t.Parallel()
	bash(t)
	out, err := exec.Command("scripts/modules").Output()
	require.NoError(t, err)
	var seen, want []string
	for line := range strings.Lines(string(out)) {
		folder, at, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		require.Equal(t, path.Join(module, folder), at)
		for _, p := range mayRequire[folder] {
			require.True(t, !ours(p) || slices.Contains(seen, p), "%s stands before %s", at, p)
		}
		seen = append(seen, at)
	}
	for folder := range mayRequire {
		if !strings.HasPrefix(folder, "examples/") {
			want = append(want, path.Join(module, folder))
		}
	}
	require.ElementsMatch(t, want, seen)
}

const changes = "# Changelog\n\n## Unreleased\n\n## 0.2.0\n\n- New.\n\n## 0.1.0 (2026-12-04)\n\n- All.\n"

// two are two modules, and a .ci/run that can be seen.
func two() map[string]string {
	return map[string]string{
		"CHANGELOG.md": changes,
		".ci/run":      "#!/bin/sh\necho the checks run in $(pwd)\n",
		"go.mod":       "",
		"a.go":         "// Package m is one.\npackage m\n\n// A is one.\nconst A = 1\n",
		"b/go.mod":     "require example.org/m v0.1.0",
		"b/b.go":       "// Package b is two.\npackage b\n\nimport \"example.org/m\"\n\n// B is two.\nconst B = m.A + 1\n",
	}
}

func TestReleaseRefuses(t *testing.T) {
	atRoot(t)
	t.Parallel()
	bash(t)
	original := repository(t, two())
	for name, row := range map[string]struct {
		args    []string
		tag     string // that there is
		file    string // that is changed
		text    string
		pending bool // and not committed
		want    string
	}{
		"no version":               {args: []string{}, want: "is no version"},
		"a word":                   {args: []string{"next"}, want: "usage"},
		"two numbers":              {args: []string{"v0.1"}, want: "is no version"},
		"a leading zero":           {args: []string{"v0.01.0"}, want: "is no version"},
		"an empty pre-release":     {args: []string{"v0.1.0-"}, want: "is no version"},
		"a number with a zero":     {args: []string{"v0.1.0-rc.01"}, want: "is no version"},
		"build metadata":           {args: []string{"v0.1.0+1"}, want: "is no version"},
		"another major":            {args: []string{"v2.0.0"}, want: "ends in /v2"},
		"what is there":            {args: []string{"v0.1.0"}, tag: "v0.1.0", want: "not above v0.1.0"},
		"below":                    {args: []string{"v0.1.0"}, tag: "v0.10.0", want: "not above v0.10.0"},
		"before its release":       {args: []string{"v0.1.0-rc.1"}, tag: "v0.1.0", want: "not above v0.1.0"},
		"below a pre-release":      {args: []string{"v0.1.0-rc.2"}, tag: "v0.1.0-rc.10", want: "not above v0.1.0-rc.10"},
		"half of it is there":      {args: []string{"v0.1.0"}, tag: "b/v0.1.0", want: "b/v0.1.0 is there already"},
		"changes":                  {args: []string{"v0.1.0"}, file: "a.go", text: "package m\n", pending: true, want: "not committed"},
		"new files":                {args: []string{"v0.1.0"}, file: "c.go", text: "package m\n", pending: true, want: "not committed"},
		"no section":               {args: []string{"v0.3.0"}, want: "nothing under '## 0.3.0'"},
		"an empty section":         {args: []string{"v0.1.0"}, file: "CHANGELOG.md", text: "## 0.1.0\n\n## 0.0.9\n\n- All.\n", want: "nothing under '## 0.1.0'"},
		"something left":           {args: []string{"v0.1.0"}, file: "CHANGELOG.md", text: "## Unreleased\n\n- More.\n\n## 0.1.0\n\n- All.\n", want: "left under '## Unreleased'"},
		"CI of another commit":     {args: []string{"--ci-passed", "0123456789012345678901234567890123456789", "v0.1.0"}, want: "CI has passed for 0123"},
		"checks that fail":         {args: []string{"v0.1.0"}, file: ".ci/run", text: "#!/bin/sh\necho no; exit 1\n", want: "== .ci/run\nno\n"},
		"modules in a circle":      {args: []string{"v0.1.0"}, file: "go.mod", text: "module example.org/m\n\ngo 1.26.0\n\nrequire example.org/m/b v0.1.0\n", want: "require each other"},
		"an API not compared with": {args: []string{"v0.2.0"}, tag: "v0.1.0", want: "golang.org/x/exp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			require.NoError(t, os.CopyFS(folder, os.DirFS(original)))
			if row.file != "" {
				require.NoError(t, os.WriteFile(filepath.Join(folder, row.file), []byte(row.text), 0o755))
				if !row.pending {
					commit(t, folder)
				}
			}
			if row.tag != "" {
				git(t, folder, "tag", row.tag)
			}
			before := git(t, folder, "rev-parse", "HEAD")
			out, err := script(t, folder, "scripts/release", append([]string{"--tag"}, row.args...)...)
			require.Error(t, err, out)
			require.Contains(t, out, row.want)
			require.Equal(t, row.tag, git(t, folder, "tag"))
			require.Equal(t, before, git(t, folder, "rev-parse", "HEAD"))
			require.NotContains(t, git(t, folder, "worktree", "list"), "\n")
		})
	}
}

func TestReleaseTags(t *testing.T) {
	atRoot(t)
	t.Parallel()
	bash(t)
	folder := repository(t, two())
	before := git(t, folder, "rev-parse", "HEAD")
	state := func() string {
		return git(t, folder, "tag") + git(t, folder, "status", "--porcelain") + git(t, folder, "worktree", "list")
	}
	untouched := state()

	out, err := script(t, folder, "scripts/release", "v0.2.0")
	require.NoError(t, err, out)
	require.Contains(t, out, "the checks run in ")
	require.Contains(t, out, "v0.2.0 is the first")
	require.Contains(t, out, "\nv0.2.0\nb/v0.2.0\n\nDry run")
	require.Equal(t, untouched, state())
	require.Equal(t, before, git(t, folder, "rev-parse", "HEAD"))

	// Those that require it are released with the same version, in the commit that is tagged.
	out, err = script(t, folder, "scripts/release", "--tag", "v0.2.0")
	require.NoError(t, err, out)
	require.Contains(t, out, "git push --atomic origin HEAD v0.2.0 b/v0.2.0\n")
	head := git(t, folder, "rev-parse", "HEAD")
	require.Equal(t, before, git(t, folder, "rev-parse", "HEAD~"))
	require.Empty(t, git(t, folder, "status", "--porcelain"))
	for _, tag := range []string{"v0.2.0", "b/v0.2.0"} {
		require.Equal(t, head, git(t, folder, "rev-parse", tag+"^{commit}"))
	}
	for name, want := range map[string]string{"b/go.mod": "require example.org/m v0.2.0\n", "go.work": "example.org/m/b v0.2.0 => ./b\n"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.Contains(t, string(text), want)
		require.NotContains(t, string(text), "v0.1.0")
	}

	// The first is what its modules require already: nothing to commit, and CI need not run again.
	folder = repository(t, two())
	before = git(t, folder, "rev-parse", "HEAD")
	out, err = script(t, folder, "scripts/release", "--tag", "--ci-passed", before, "v0.1.0")
	require.NoError(t, err, out)
	require.NotContains(t, out, "the checks run in ")
	require.Equal(t, before, git(t, folder, "rev-parse", "v0.1.0^{commit}"))
	require.Equal(t, before, git(t, folder, "rev-parse", "main"))
}

// The core's tests run on three systems, with nothing that can write, and with actions
// that are named by a tag or a commit.
func TestHostedCI(t *testing.T) {
	atRoot(t)
	t.Parallel()
	text, err := os.ReadFile(".github/workflows/ci.yml")
	require.NoError(t, err)
	var workflow struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			RunsOn   string `yaml:"runs-on"`
			Timeout  int    `yaml:"timeout-minutes"`
			Strategy struct{ Matrix map[string][]string }
			Steps    []struct{ Uses, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &workflow))
	require.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions)
	runs := map[string][]string{}
	for _, job := range workflow.Jobs {
		require.Positive(t, job.Timeout)
		systems := []string{job.RunsOn}
		if name, ok := strings.CutPrefix(job.RunsOn, "${{ matrix."); ok {
			systems = job.Strategy.Matrix[strings.TrimSuffix(name, " }}")]
		}
		for _, step := range job.Steps {
			if step.Uses != "" {
				require.Regexp(t, `^actions/[a-z-]+@(v[0-9]+|[0-9a-f]{40})$`, step.Uses)
			}
			for _, system := range systems {
				runs[system] = append(runs[system], step.Run)
			}
		}
	}
	require.Contains(t, runs["ubuntu-latest"], ".ci/run")
	require.Contains(t, runs["windows-latest"], "go test ./...")
	require.Contains(t, runs["macos-latest"], "go test ./...")
}
