// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestComplaint(t *testing.T) {
	tests := []struct{ name, falco, want string }{
		{"Falco says", `echo "Error: bad rule" >&2; exit 1`, "bad rule"},
		{"Falco has nothing to say", "exit 0", ""},
		{"Falco exits without a word", "exit 3", "exit status 3"},
		{"Falco says it to its log, whose level hides it", `case "$*" in *log_level=info) echo "Mon Nov 23 20:18:12 2026: Runtime error: no plugin. Exiting." >&2;; esac; exit 1`, "no plugin. Exiting."},
		{"Falco is killed", "kill -SEGV $$", "it was killed by signal segmentation fault"},
		{"an old Falco whose version is not known", `[ "$3" = -L ] || { echo "Error: Option 'dry-run' does not exist" >&2; exit 1; }; echo "Error: old" >&2; exit 1`, "old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := onHost(t, func(tools *tools) { tools.falco = script(t, "falco", tt.falco) })
			if got, _, err := askFalco(t.Context(), m.tools, node.FalcoCheck{}, nil); got != tt.want || err != nil {
				t.Errorf("askFalco = %q, %v; want %q", got, err, tt.want)
			}
		})
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
		{name: "accepted", new: "good\n", check: node.FalcoCheck{Version: "0.44.1"}, want: "good\n", args: "--dry-run -o log_stderr=true -o log_syslog=false preload=\n"},
		{name: "refused", new: "bad\n", check: node.FalcoCheck{Version: "0.44.1"}, code: node.CodeConfig, want: "old\n"},
		{name: "a warning, a preload", new: "odd\n", check: node.FalcoCheck{Version: "0.42.0", Args: []string{"-c", "/other", "-A"}, Env: []string{"LD_PRELOAD=/dev/null"}}, want: "odd\n", args: "-c /proc/self/fd/3 -A --dry-run -o log_stderr=true -o log_syslog=false preload=/dev/null", warns: "falco warns about the new %PATH%: /etc/falco/falco.yaml | schema validation: failed for <root>: 'odd'."},
		{name: "an old Falco", new: "good\n", check: node.FalcoCheck{Version: "0.32.2"}, want: "good\n", args: "-c /proc/self/fd/3 -L preload=\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			m, told := onHost(t, func(tools *tools) { tools.falco = script(t, "falco", strings.ReplaceAll(fakeFalco, "%LOG%", log)) })
			stateInTree(t, m)
			path := put(t, m.opts.Root, "etc/falco/falco.yaml", "old\n")
			err := m.checkedWrite(t, path, tt.new, tt.check)
			wantCode(t, err, tt.code)
			if err != nil && (!strings.Contains(err.Error(), "(/etc/falco/falco.yaml): bad")) {
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

// stateInTree makes a machine that acts on the host keep its state in a
// temporary directory.
func stateInTree(t *testing.T, m *Machine) {
	t.Helper()
	m.opts.Root = t.TempDir()
	m.tree = newTree(t, m.opts.Root)
}

// checkedWrite is WriteFile with a check, which a tree does not have. Falco's
// paths are in the test's directory.
func (m *Machine) checkedWrite(t *testing.T, path, content string, check node.FalcoCheck) error {
	t.Helper()
	c := node.WriteFile{Path: path, Old: []byte("old\n"), New: []byte(content), Check: &check}
	if err := m.checkCandidate(t.Context(), c); err != nil {
		return err
	}
	return files.Overwrite(path, c.New, 0)
}
