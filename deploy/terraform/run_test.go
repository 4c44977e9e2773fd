// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package terraform_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTerraform runs terraform, or tofu, on a copy of deploy/. It skips a module
// whose providers are not available. For machines without a registry TF_PLUGIN_DIR names
// a directory of unpacked providers, and TF_MODULE_DIR one of unpacked modules: oke for
// oracle-terraform-modules/oke, and those that it needs.
func TestTerraform(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		if terraform, err = exec.LookPath("tofu"); err != nil {
			t.Skip("neither terraform nor tofu is installed")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("..")); err != nil {
		t.Fatal(err)
	}
	// The names of local modules are not as long as those that they replace.
	if out, err := run(t, terraform, filepath.Join(dir, "terraform"), "fmt", "-check", "-diff", "-recursive"); err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
	if modules := os.Getenv("TF_MODULE_DIR"); modules != "" {
		useLocalModules(t, dir, modules)
	}
	for _, path := range directories(t) {
		t.Run(path, func(t *testing.T) {
			in := filepath.Join(dir, "terraform", path)
			initialise := []string{"init", "-backend=false", "-input=false", "-no-color"}
			if plugins := os.Getenv("TF_PLUGIN_DIR"); plugins != "" {
				initialise = append(initialise, "-plugin-dir="+plugins)
			}
			if out, err := run(t, terraform, in, initialise...); err != nil {
				t.Skipf("terraform init: %v: the providers or modules are not available here\n%s", err, out)
			}
			check := [][]string{{"validate", "-no-color"}, {"test", "-no-color"}}
			for _, args := range check {
				out, err := run(t, terraform, in, args...)
				if err != nil {
					t.Errorf("terraform %v: %v\n%s", args, err, out)
				}
				if strings.Contains(strings.ToLower(out), "deprecated") {
					t.Errorf("terraform %v warns about something deprecated\n%s", args, out)
				}
			}
		})
	}
}

func run(t *testing.T, terraform, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, terraform, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// oracleModule is the source, and the version, of a module of Oracle's in a registry or on
// GitHub.
var oracleModule = regexp.MustCompile(`"(?:github\.com/)?oracle-terraform-modules/(?:terraform-oci-)?([a-z]+)(?:/oci)?"(?:\s+version\s*=\s*"[^"]*")?`)

// useLocalModules copies modules to a directory, and has every file there take them from it.
func useLocalModules(t *testing.T, dir, modules string) {
	t.Helper()
	local := filepath.Join(dir, "modules")
	if err := os.CopyFS(local, os.DirFS(modules)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, oracleModule.ReplaceAll(text, []byte(`"`+local+`/$1"`)), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
