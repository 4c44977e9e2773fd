// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// The texts are those of falco 0.44.1 on standard error.
func TestFalcoReason(t *testing.T) {
	tests := []struct{ name, stderr, want string }{
		{"nothing", "", ""},
		{"one error", "Mon Nov 23 20:18:12 2026: Falco version: 0.44.1 (x86_64)\nError: Error reading config file (/etc/falco/falco.yaml): file output enabled but no filename in configuration block\n", "Error reading config file (/etc/falco/falco.yaml): file output enabled but no filename in configuration block"},
		{"a syntax error", "Mon Nov 23 20:18:12 2026: Cannot read config file (/etc/falco/falco.yaml): yaml-cpp: error at line 1402, column 7: illegal flow end\nError: std::exception\n", "Cannot read config file (/etc/falco/falco.yaml): yaml-cpp: error at line 1402, column 7: illegal flow end"},
		{"a plugin", "Mon Nov  2 20:18:12 2026: Runtime error: cannot load plugin /usr/share/falco/plugins/libcontainer.so: undefined symbol: __res_search. Exiting.\n", "cannot load plugin /usr/share/falco/plugins/libcontainer.so: undefined symbol: __res_search. Exiting."},
		{"a rules file", "Error: /etc/falco/falco_rules.local.yaml: Invalid\n1 Errors:\nIn rules content: (/etc/falco/falco_rules.local.yaml:0:0)\n    LOAD_ERR_COMPILE_CONDITION\n", "/etc/falco/falco_rules.local.yaml: Invalid 1 Errors: In rules content: (/etc/falco/falco_rules.local.yaml:0:0) LOAD_ERR_COMPILE_CONDITION"},
		{"the loader", "/usr/bin/falco: error while loading shared libraries: libfoo.so: cannot open\n", "/usr/bin/falco: error while loading shared libraries: libfoo.so: cannot open"},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, falcoReason(tt.stderr)); d != "" {
			t.Errorf("%s: falcoReason (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestBefore035(t *testing.T) {
	for version, want := range map[string]bool{"0.32.2": true, "0.34.1": true, "0.35.0": false, "0.44.1": false, "1.0.0": false, "1.2.0": false, "": false, "x": false} {
		if got := before035(version); got != want {
			t.Errorf("before035(%q) = %v, want %v", version, got, want)
		}
	}
}

// fakeFalco refuses a configuration that holds "bad", and warns of "odd".
const fakeFalco = `echo "$@" "preload=$LD_PRELOAD" >>%LOG%
grep -q odd "$2" && echo "Mon Nov 23 20:18:12 2026: $2 | schema validation: failed for <root>: 'odd'." >&2
if grep -q bad "$2"; then echo "Error: Error reading config file ($2): bad" >&2; exit 1; fi
exit 0`

func TestWriteFileChecked(t *testing.T) {
	tests := []struct {
		name, new string
		check     node.FalcoCheck
		code      node.Code
		want      string
		args      string
		warns     string
	}{
		{name: "accepted", new: "good\n", check: node.FalcoCheck{Version: "0.44.1"}, want: "good\n", args: "--dry-run -o log_stderr=true -o log_level=warning -o log_syslog=false preload=\n"},
		{name: "refused", new: "bad\n", check: node.FalcoCheck{Version: "0.44.1"}, code: node.CodeConfig, want: "old\n"},
		{name: "a warning, a preload", new: "odd\n", check: node.FalcoCheck{Version: "0.42.0", Preload: "/dev/null"}, want: "odd\n", args: "preload=/dev/null", warns: "falco on the new %PATH%: %PATH% | schema validation: failed for <root>: 'odd'."},
		{name: "an old Falco", new: "good\n", check: node.FalcoCheck{Version: "0.32.2"}, want: "good\n", args: "falco.yaml -L preload=\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			m, told := onHost(t, func(tools *tools) { tools.falco = script(t, "falco", strings.ReplaceAll(fakeFalco, "%LOG%", log)) })
			stateInTree(t, m)
			path := put(t, m.opts.Root, "etc/falco/falco.yaml", "old\n")
			err := m.checkedWrite(t, path, tt.new, tt.check)
			wantCode(t, err, tt.code)
			if err != nil && (!strings.Contains(err.Error(), "("+path+"): bad") || strings.Contains(err.Error(), "candidate")) {
				t.Errorf("WriteFile = %v, want Falco's message with the file's real path", err)
			}
			if got, _ := os.ReadFile(path); string(got) != tt.want {
				t.Errorf("the file holds %q, want %q", got, tt.want)
			}
			if args, _ := os.ReadFile(log); !strings.Contains(string(args), tt.args) {
				t.Errorf("falco got %q, want %q", args, tt.args)
			}
			if want := strings.ReplaceAll(tt.warns, "%PATH%", path); want != "" && (len(*told) != 1 || (*told)[0] != want) {
				t.Errorf("told %q, want %q", *told, want)
			}
		})
	}
}

// stateInTree lets a machine that is the host's keep its state in a folder of
// the test's.
func stateInTree(t *testing.T, m *Machine) {
	t.Helper()
	m.opts.Root = t.TempDir()
	m.tree = newTree(t, m.opts.Root)
}

// checkedWrite is WriteFile with a check, on a tree, which by itself has none:
// Falco's paths are those of the test's folder.
func (m *Machine) checkedWrite(t *testing.T, path, content string, check node.FalcoCheck) error {
	t.Helper()
	c := node.WriteFile{Path: path, Old: []byte("old\n"), New: []byte(content), Check: &check}
	if err := m.checkCandidate(t.Context(), c); err != nil {
		return err
	}
	if left, _ := filepath.Glob(filepath.Join(m.opts.Root, files.StateDir, "candidate/*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return files.Overwrite(path, c.New, 0)
}
