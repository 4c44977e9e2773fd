// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/fleet"
)

// pageOf writes the page of a fleet of 24 nodes into a file, and returns its name.
func pageOf(t *testing.T) string {
	t.Helper()
	all := nodeReports(t, 24)
	all[3].Host.Hostname = `<img src=x onerror=alert(1)>"'&`
	var lines, page bytes.Buffer
	for _, r := range all {
		if err := r.Line(&lines); err != nil {
			t.Fatal(err)
		}
	}
	var f fleet.Fleet
	if err := f.Read(&lines, "reports"); err != nil {
		t.Fatal(err)
	}
	if err := f.HTML(&page); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "fleet.html")
	if err := os.WriteFile(name, page.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A browser shows every node, those that failed first, and those alone that the
// address asks for. What a report says is text, and no script of its own runs.
func TestHTMLInABrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip(err)
	}
	name := pageOf(t)
	dom := func(address string) string {
		t.Helper()
		cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--dump-dom", address)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &errs)
		}
		return string(out)
	}
	row := regexp.MustCompile(`<tr class="(\w*)"( hidden="")?>`)
	whole := dom("file://" + name)
	all := row.FindAllStringSubmatch(whole, -1)
	if len(all) != 24 || all[0][1] != "failed" || all[2][1] != "open" || all[23][2] != "" {
		t.Errorf("rows %q; want 24, 2 that failed first", all)
	}
	for filter, want := range map[string]int{"#node-00007": 1, "#NODE%20packages": 2, "#%zz": 24} {
		page := dom("file://" + name + filter)
		shown := 0
		for _, m := range row.FindAllStringSubmatch(page, -1) {
			if m[2] == "" {
				shown++
			}
		}
		if shown != want || !strings.Contains(page, `id="shown">`+strconv.Itoa(want)+" of 24<") {
			t.Errorf("%s shows %d rows, want %d", filter, shown, want)
		}
	}
	if strings.Contains(whole, "<img") || !strings.Contains(whole, "&lt;img src=x") {
		t.Error("a hostname is not shown as text")
	}
}

// A page of a large fleet is written as it is made.
func TestHTMLOfALargeFleet(t *testing.T) {
	var f fleet.Fleet
	var lines bytes.Buffer
	for _, r := range nodeReports(t, 2000) {
		if err := r.Line(&lines); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Read(&lines, "reports"); err != nil {
		t.Fatal(err)
	}
	var n counter
	if err := f.HTML(&n); err != nil || n < 2000*100 {
		t.Errorf("HTML = %d bytes, %v", n, err)
	}
	var limit limitedWriter = 1000
	if err := f.HTML(&limit); err == nil {
		t.Error("HTML of a writer that fails = nil")
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

type limitedWriter int

func (l *limitedWriter) Write(p []byte) (int, error) {
	if int(*l) < len(p) {
		return 0, io.ErrShortWrite
	}
	*l -= limitedWriter(len(p))
	return len(p), nil
}
