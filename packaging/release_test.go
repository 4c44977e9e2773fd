// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package packaging_test tests what a release promises: the same bytes from the same
// commit, no more than the agent needs, and packages that Oracle Linux can read.
// Package test installs them in a node.
package packaging_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

// copyTree copies what a release is built from.
func copyTree(t *testing.T, to string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum", "LICENSE", "NOTICE", "cmd", "internal", "pkg", "deploy/systemd", "packaging"} {
		err := filepath.WalkDir(filepath.Join("..", name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			target := filepath.Join(to, strings.TrimPrefix(path, ".."))
			if d.IsDir() {
				return os.MkdirAll(target, 0o755)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, info.Mode())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// build builds a release in a copy of the tree and returns the SHA-256 of each file.
func build(t *testing.T, dir, what, arches string, env ...string) map[string]string {
	t.Helper()
	copyTree(t, dir)
	dist := filepath.Join(dir, "dist")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "packaging/release.sh"), dist, what)
	cmd.Env = append(os.Environ(), "VERSION=v1.2.0-rc.1", "COMMIT=0123456789abcdef", "SOURCE_DATE_EPOCH=1700000000", "ARCHES="+arches)
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("release.sh: %v\n%s", err, out)
	}
	sums := map[string]string{}
	paths, err := filepath.Glob(dist + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums[filepath.Base(path)] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return sums
}

func TestReleaseIsReproducible(t *testing.T) {
	what := "packages"
	if out, err := exec.CommandContext(t.Context(), "go", "run", nfpm, "--version").CombinedOutput(); err != nil {
		t.Logf("only the binaries: nfpm cannot be had here: %v\n%s", err, out)
		what = "binaries"
	}
	arches := "amd64 arm64"
	if testing.Short() {
		arches = runtime.GOARCH
	}
	first := build(t, t.TempDir(), what, arches, "TZ=UTC", "LC_ALL=C")
	second := build(t, filepath.Join(t.TempDir(), "another", "directory"), what, arches, "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOFLAGS=-buildvcs=false")
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two builds differ (-first +second):\n%s", diff)
	}
	want := map[string]int{"binaries": 1, "packages": 2}[what] * len(strings.Fields(arches))
	if len(first) != want {
		t.Errorf("the release has %d files, want %d: %v", len(first), want, first)
	}
}

// SECURITY.md's commands accept what the workflow signs, and refuse a changed file. The
// signature itself is Sigstore's; the stand-in for cosign compares the identity.
func TestSecurityChecksARelease(t *testing.T) {
	page, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```\ncosign ")
	block, _, ok := strings.Cut("cosign "+block, "```")
	workflow, err := os.ReadFile("../.github/workflows/release.yml")
	if err != nil || !ok {
		t.Fatalf("no block of cosign, or no workflow: %v", err)
	}
	for _, line := range []string{`push: {tags: ["v*"]}`, "--bundle dist/SHA256SUMS.sigstore.json dist/SHA256SUMS", "subject-checksums: dist/SHA256SUMS"} {
		if !strings.Contains(string(workflow), line) {
			t.Errorf("release.yml lacks %q", line)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cosign": `#!/bin/bash
[ "$1 $2 $3 $4 $5" = "verify-blob SHA256SUMS --bundle SHA256SUMS.sigstore.json --certificate-identity-regexp" ] &&
	grep -Eq "$6" <<<https://github.com/falco-bootstrap/falco-bootstrap/.github/workflows/release.yml@refs/tags/v1.2.3 &&
	! grep -Eq "$6" <<<https://github.com/somebody/falco-bootstrap/.github/workflows/release.yml@refs/tags/v1.2.3 &&
	[ "$7 $8" = "--certificate-oidc-issuer https://token.actions.githubusercontent.com" ]
`,
		"gh":                          "#!/bin/bash\n[ \"$*\" = 'attestation verify falco-bootstrap-linux-amd64 --repo falco-bootstrap/falco-bootstrap' ]\n",
		"falco-bootstrap-linux-amd64": "program",
		"SHA256SUMS":                  fmt.Sprintf("%x  falco-bootstrap-linux-amd64\n%x  falco-bootstrap-linux-arm64\n", sha256.Sum256([]byte("program")), sha256.Sum256(nil)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	check := func() error {
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", block)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		return cmd.Run()
	}
	if err := check(); err != nil {
		t.Errorf("SECURITY.md's commands on a good release: %v\n%s", err, block)
	}
	if err := os.WriteFile(filepath.Join(dir, "falco-bootstrap-linux-amd64"), []byte("other"), 0o755); err != nil {
		t.Fatal(err)
	}
	if check() == nil {
		t.Error("SECURITY.md's commands accept a changed program")
	}
}

// hostBinary builds the agent for this machine, with its symbols or as a release.
func hostBinary(t *testing.T, ldflags string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "falco-bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", ldflags, "-o", name, "../cmd/falco-bootstrap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// One call of text/template, or of reflect's MethodByName with a name that is not
// constant, makes the linker keep every method: that is a quarter of the binary.
func TestBinaryStaysSmall(t *testing.T) {
	const limit = 12_000_000
	info, err := os.Stat(hostBinary(t, "-s -w"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > limit {
		t.Errorf("the binary has %d bytes, want at most %d", info.Size(), limit)
	}
}

// cavaliergopher/rpm imports the OpenPGP of golang.org/x/crypto, which has known flaws
// and no maintainer (GO-2026-5932). openvex.json says that none of it is in the agent.
func TestNoOpenPGPIsLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "tool", "nm", hostBinary(t, "")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "github.com/ProtonMail/go-crypto/openpgp/") {
		t.Fatal("go tool nm does not even list what the agent uses of OpenPGP")
	}
	if linked := regexp.MustCompile(`.* golang\.org/x/crypto/openpgp.*`).FindAllString(string(out), -1); linked != nil {
		t.Errorf("the agent has code that openvex.json says it lacks: %q", linked)
	}
}

// NOTICE names the works that are in the binaries.
func TestNoticeNamesEveryModule(t *testing.T) {
	notice, err := os.ReadFile("../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "version", "-m", hostBinary(t, "-s -w")).Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := regexp.MustCompile(`(?m)^\tdep\t((?:golang\.org/x)|\S+?)(?:/v\d+|/\w+)?\tv`).FindAllSubmatch(out, -1)
	for _, module := range modules {
		if !strings.Contains(string(notice), string(module[1])) {
			t.Errorf("NOTICE lacks %s", module[1])
		}
	}
	if len(modules) < 10 {
		t.Errorf("go version -m lists only %d modules:\n%s", len(modules), out)
	}
}

func TestVEXIsOfTheVersionThatIsUsed(t *testing.T) {
	var vex struct {
		Statements []struct {
			Vulnerability struct{ Name string }
			Products      []struct {
				Subcomponents []struct {
					ID string `json:"@id"`
				}
			}
			Status, Justification string
		}
	}
	content, err := os.ReadFile("openvex.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &vex); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range vex.Statements {
		for _, p := range s.Products {
			for _, part := range p.Subcomponents {
				module, version, _ := strings.Cut(strings.TrimPrefix(part.ID, "pkg:golang/"), "@")
				if !slices.Contains(strings.Split(strings.ReplaceAll(string(mod), " // indirect", ""), "\n"), "\t"+module+" "+version) {
					t.Errorf("%s: go.mod does not require %s %s", s.Vulnerability.Name, module, version)
				}
			}
		}
	}
	if len(vex.Statements) == 0 {
		t.Error("openvex.json has no statement")
	}
}
