// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// reports returns the lines of a tree's report file, each checked against the schema.
func reports(t *testing.T, root string) []map[string]any {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "var/log/falco-bootstrap-report.json"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var found []map[string]any
	for line := range strings.Lines(string(text)) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		report, _ := doc.(map[string]any)
		found = append(found, report)
	}
	return found
}

// errorOf returns the message and the status's name of a report.
func errorOf(report map[string]any) (message, name string) {
	e, _ := report["error"].(map[string]any)
	message, _ = e["message"].(string)
	name, _ = e["name"].(string)
	return message, name
}

// A node that never gets as far as the agent still writes a report.
func TestFirstBootReportsItsOwnEndings(t *testing.T) {
	tests := []struct {
		name, url, pins string
		handler         http.HandlerFunc
		want            int
		says, status    string
	}{
		{name: "no pins", pins: "url_x86_64=\n", want: 64, says: "are not pinned", status: "usage"},
		{name: "no file of pins", pins: "-", want: 64, says: "not readable", status: "usage"},
		{name: "another file", want: 4, says: "SHA-256 is not the pinned one", status: "trust", handler: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", len(program)))
		}},
		{name: "no server", url: "http://user:word@127.0.0.1:1/p/S3CRET/f", want: 5, says: "127.0.0.1:1: cannot be fetched", status: "packages"},
		{name: "a quote in the host", url: `http://"\\x/f`, want: 5, says: `"\\x: cannot be fetched`, status: "packages"},
		{name: "the directory is a file", want: 1, says: "cannot be written", status: "failed", handler: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.handler != nil {
				test.url = serve(t, test.handler).url
			}
			root := node(t, "'"+test.url+"'", "http")
			release := filepath.Join(root, "usr/local/libexec/falco-bootstrap/release")
			switch test.pins {
			case "":
			case "-":
				if err := os.Remove(release); err != nil {
					t.Fatal(err)
				}
			default:
				write(t, release, test.pins, 0o600)
			}
			if test.want == 1 {
				write(t, filepath.Join(root, "usr/bin"), "", 0o644)
			}
			for range 2 { // the same failure again is no news
				if status, out := fetch(t, root, "0"); status != test.want || strings.Contains(out, "S3CRET") || strings.Contains(out, "word") {
					t.Errorf("fetch = %d, want %d and no secret\n%s", status, test.want, out)
				}
			}
			got := reports(t, root)
			if len(got) != 1 {
				t.Fatalf("%d reports, want one", len(got))
			}
			if message, name := errorOf(got[0]); !strings.Contains(message, test.says) || name != test.status || strings.Contains(message, "S3CRET") {
				t.Errorf("error = %q, %q, want %q, %q", name, message, test.status, test.says)
			}
		})
	}
}

// systemctl stands in for systemd: its status is that of the start, and its
// properties are those of falco-bootstrap.service afterwards.
const systemctl = `#!/bin/bash
case $* in
  "start falco-bootstrap.service") [ -z "$REPORT" ] || echo "$REPORT" >>"$FB_ROOT/var/log/falco-bootstrap-report.json"; exit "$START" ;;
  "show -p ConditionResult "*) echo "ConditionResult=$CONDITION" ;;
  "show -p ExecMainStatus "*) echo "ExecMainStatus=$STATUS" ;;
esac
`

func TestFirstBootRun(t *testing.T) {
	report := `{"schema_version":1,"tool":{"name":"falco-bootstrap","version":"1"},"host":{},"mode":"converge","root":"/","result":"failed","exit":{"code":7,"name":"not-running"},"started":"2026-11-26T02:00:00Z","duration_ms":1,"drift":[],"steps":[],"summary":{"change":0,"changed":0,"ok":0,"waiting":0,"unknown":0,"failed":0,"skipped":0}}`
	tests := []struct {
		name, start, condition, status, report string
		want, reports                          int
		done                                   bool
	}{
		{name: "well", start: "0", condition: "yes", status: "0", want: 0, done: true},
		{name: "not run at all", start: "0", condition: "no", status: "0", want: 1, reports: 1},
		{name: "cannot be executed", start: "1", condition: "yes", status: "203", want: 1, reports: 1},
		{name: "failed without a report", start: "1", condition: "yes", status: "3", want: 3, reports: 1},
		{name: "failed with a report", start: "1", condition: "yes", status: "7", report: report, want: 1, reports: 1},
		{name: "useless to try again", start: "1", condition: "yes", status: "6", report: report, want: 6, reports: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root, bin := node(t, "http://127.0.0.1:1/f", "http"), t.TempDir()
			write(t, filepath.Join(root, "usr/bin/falco-bootstrap"), program, 0o755)
			write(t, filepath.Join(root, "var/log/falco-bootstrap-report.json"), "", 0o600)
			write(t, filepath.Join(bin, "systemctl"), systemctl, 0o755)
			status, out := command(t, []string{
				"FB_ROOT=" + root, "PATH=" + bin + ":" + os.Getenv("PATH"),
				"START=" + test.start, "CONDITION=" + test.condition, "STATUS=" + test.status, "REPORT=" + test.report,
			}, "bash", "cloud-init/firstboot.sh")
			if status != test.want {
				t.Errorf("firstboot = %d, want %d\n%s", status, test.want, out)
			}
			if got := reports(t, root); len(got) != test.reports {
				t.Errorf("%d reports, want %d: %v", len(got), test.reports, got)
			}
			if _, err := os.Stat(filepath.Join(root, "var/lib/falco-bootstrap/firstboot.done")); (err == nil) != test.done {
				t.Errorf("Stat(firstboot.done) = %v, want it there: %t", err, test.done)
			}
		})
	}
}

// The pinned file with another file mode is replaced by a copy, without a download. A
// symbolic link is not the pinned file.
func TestFetchMendsOwnerAndMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o777, 0o775, os.ModeSymlink} {
		t.Run(mode.String(), func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) })
			root := node(t, server.url, "http")
			target := filepath.Join(root, "usr/bin/falco-bootstrap")
			if mode == os.ModeSymlink {
				write(t, filepath.Join(root, "elsewhere"), program, 0o777)
				write(t, filepath.Join(filepath.Dir(target), "x"), "", 0o644)
				if err := os.Symlink(filepath.Join(root, "elsewhere"), target); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, target, program, 0o600)
				if err := os.Chmod(target, mode); err != nil {
					t.Fatal(err)
				}
			}
			want := int32(0)
			if mode == os.ModeSymlink {
				want = 1
			}
			if status, out := fetch(t, root, "0"); status != 0 || server.requests.Load() != want {
				t.Errorf("fetch = %d after %d requests, want 0 after %d\n%s", status, server.requests.Load(), want, out)
			}
			if info, err := os.Lstat(target); err != nil || info.Mode() != 0o755 || read(t, target) != program {
				t.Errorf("Lstat = %v, %v, want a file with mode 755 and the pinned content", info, err)
			}
		})
	}
}
