// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

const program = "#!/bin/sh\necho \"$@\" >>\"$2/ran\"\n"

// A release is a web server that serves the agent.
type release struct {
	url      string
	requests *atomic.Int32
}

// serve answers every request with handler and counts them.
func serve(t *testing.T, handler http.HandlerFunc) release {
	t.Helper()
	requests := new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return release{url: server.URL + "/falco-bootstrap", requests: requests}
}

// node returns the root of a tree with the pins of program at url.
func node(t *testing.T, url, proto string) string {
	t.Helper()
	root := t.TempDir()
	pins := fmt.Sprintf("proto=%s\n", proto)
	for _, arch := range []string{"x86_64", "aarch64"} {
		pins += fmt.Sprintf("url_%[1]s=%[2]s\nsize_%[1]s=%[3]d\nsha256_%[1]s=%[4]x\n", arch, url, len(program), sha256.Sum256([]byte(program)))
	}
	write(t, filepath.Join(root, "usr/local/libexec/falco-bootstrap/release"), pins, 0o600)
	return root
}

func fetch(t *testing.T, root, pauses string) (status int, output string) {
	t.Helper()
	tool(t, "curl")
	return command(t, []string{"FB_ROOT=" + root, "FB_FETCH_PAUSES=" + pauses}, "bash", "cloud-init/firstboot.sh", "fetch")
}

func TestFetch(t *testing.T) {
	whole := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) }
	tests := []struct {
		name    string
		handler http.HandlerFunc
		proto   string
		want    int
		asked   int32
	}{
		{name: "the pinned file", handler: whole, proto: "http", want: 0, asked: 1},
		{name: "plain http where https is wanted", handler: whole, proto: "https", want: 5, asked: 0},
		{name: "another file of the same size", proto: "http", want: 4, asked: 1, handler: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", len(program)))
		}},
		{name: "cut short, with the full length announced", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(program)))
			fmt.Fprint(w, program[:10])
		}},
		{name: "cut short, with no length announced", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, program[:10])
		}},
		{name: "longer", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, program+"x")
		}},
		{name: "without end", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		}},
		{name: "an error page", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, program, http.StatusNotFound)
		}},
		{name: "redirected to another scheme", proto: "http", want: 5, asked: 2, handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.handler)
			root := node(t, server.url, test.proto)
			target := filepath.Join(root, "usr/bin/falco-bootstrap")
			status, out := fetch(t, root, "0 0")
			if status != test.want {
				t.Errorf("fetch = %d, want %d\n%s", status, test.want, out)
			}
			if got := server.requests.Load(); got != test.asked {
				t.Errorf("the server was asked %d times, want %d", got, test.asked)
			}
			info, err := os.Stat(target)
			if (err == nil) != (test.want == 0) {
				t.Fatalf("Stat(%s) = %v, want it to exist: %t", target, err, test.want == 0)
			}
			if err == nil && info.Mode().Perm() != 0o755 {
				t.Errorf("mode = %o, want 755", info.Mode().Perm())
			}
			if _, err := os.Stat(filepath.Join(root, "usr/local/libexec/falco-bootstrap/falco-bootstrap.new")); err == nil {
				t.Error("the fetched file was left behind")
			}
		})
	}
}

func TestFetchMendsALaterTry(t *testing.T) {
	var tries atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) < 3 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, program)
	})
	if status, out := fetch(t, node(t, server.url, "http"), "0 0 0 0"); status != 0 {
		t.Errorf("fetch = %d, want 0\n%s", status, out)
	}
	if got := server.requests.Load(); got != 3 {
		t.Errorf("the server was asked %d times, want 3", got)
	}
}

func TestFetchKeepsWhatIsPinned(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) })
	root := node(t, server.url, "http")
	write(t, filepath.Join(root, "usr/bin/falco-bootstrap"), program, 0o755)
	if status, out := fetch(t, root, "0"); status != 0 || server.requests.Load() != 0 {
		t.Errorf("fetch = %d after %d requests, want 0 after none\n%s", status, server.requests.Load(), out)
	}
}

func TestFetchWithoutPins(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "usr/local/libexec/falco-bootstrap/release"), "url_x86_64=https://example.com\n", 0o600)
	if status, out := fetch(t, root, "0"); status != 64 {
		t.Errorf("fetch = %d, want 64\n%s", status, out)
	}
}

// bake.sh --root installs the pinned program, runs it on that tree, and removes
// what belongs to the builder.
func TestBakeIntoATree(t *testing.T) {
	tool(t, "systemctl")
	tool(t, "curl")
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) })
	dir, root := t.TempDir(), t.TempDir()
	var settings strings.Builder
	for _, arch := range []string{"x86_64", "aarch64"} {
		fmt.Fprintf(&settings, "fb_url_%[1]s='%[2]s'\nfb_size_%[1]s='%[3]d'\nfb_sha256_%[1]s='%[4]x'\n", arch, server.url, len(program), sha256.Sum256([]byte(program)))
	}
	settings.WriteString("fb_proto='http'\nfb_mode='converge'\nfb_timezone=''\nfb_settings=''\n")
	write(t, filepath.Join(dir, "60-falco-bootstrap.sh"), pinned(t, read(t, "cloud-init/60-falco-bootstrap.sh"), settings.String()), 0o755)
	write(t, filepath.Join(dir, "bake.sh"), read(t, "cloud-init/bake.sh"), 0o755)
	write(t, filepath.Join(root, "var/lib/falco-bootstrap/firstboot.done"), "", 0o600)
	if status, out := command(t, nil, "bash", filepath.Join(dir, "bake.sh"), "--root", root, "--kernel-release", "5.15.0-1.el8uek.x86_64"); status != 0 {
		t.Fatalf("bake.sh = %d, want 0\n%s", status, out)
	}
	if got, want := read(t, filepath.Join(root, "ran")), "--root "+root+" --kernel-release 5.15.0-1.el8uek.x86_64\n"; got != want {
		t.Errorf("falco-bootstrap ran as %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(root, "var/lib/falco-bootstrap/firstboot.done")); err == nil {
		t.Error("nodes made from the image would skip their first boot")
	}
	if _, err := os.Lstat(filepath.Join(root, "etc/systemd/system/multi-user.target.wants/falco-bootstrap-firstboot.service")); err != nil {
		t.Errorf("the first-boot unit is not enabled: %v", err)
	}
}
