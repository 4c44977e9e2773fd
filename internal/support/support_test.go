// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// A source that fails, hangs, or has a bug costs only its own section. Secrets are
// hidden in texts and in problems.
func TestGather(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	give := func(text string, err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return text, err }
	}
	all := gather(t.Context(), []Source{
		{"whole", "Whole", give("password: hunter2\nrest: 1\n\n", nil)},
		{"fails", "Fails", give("what there is", errors.New("asking https://u:hunter2@h/: no"))},
		{"forbidden", "Forbidden", give("", fs.ErrPermission)},
		{"hears", "Hears", func(ctx context.Context) (string, error) { <-ctx.Done(); return "so far", ctx.Err() }},
		{"hangs", "Hangs", func(context.Context) (string, error) { <-stop; return "", nil }},
		{"hangs_too", "Hangs too", func(context.Context) (string, error) { <-stop; return "", nil }},
		{"bug", "Bug", func(context.Context) (string, error) { panic("token=hunter2") }},
		{"long", "Long", give(strings.Repeat("0123456789\n", maxSection), nil)},
	}, 100*time.Millisecond)
	want := []struct{ text, problem string }{
		{"password: [redacted]\nrest: 1", ""},
		{"what there is", "[redacted]"},
		{"", "sudo"},
		{"so far", "stopped after"},
		{"", "did not answer within"},
		{"", "did not answer within"},
		{"", "a bug in falco-bootstrap"},
		{"[the beginning is left out]\n0123456789\n", ""},
	}
	for i, w := range want {
		got := all[i]
		if !strings.HasPrefix(got.Text, w.text) || !strings.Contains(got.Problem, w.problem) || (w.problem == "") != (got.Problem == "") || len(got.Text) > maxSection+64 {
			t.Errorf("section %s = %.80q, problem %q, want %q, %q", got.Name, got.Text, got.Problem, w.text, w.problem)
		}
	}
	var text strings.Builder
	r := Report{SchemaVersion: SchemaVersion, Tool: "falco-bootstrap v0", Sections: all[:7]}
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	object, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), string(object)} {
		if strings.Contains(out, "hunter2") || !strings.Contains(out, "what there is") {
			t.Errorf("the report:\n%s", out)
		}
	}
	if !strings.Contains(text.String(), "\n== Fails\nwhat there is\n(") || !strings.Contains(text.String(), "with sudo it sees more") {
		t.Errorf("the text:\n%s", &text)
	}
}

// The metadata service's answers are told, and what may be secret is not.
func TestMetadata(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer Oracle":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/region"):
			_, _ = w.Write([]byte("eu-frankfurt-1\n"))
		case strings.HasSuffix(r.URL.Path, "/oke_init_script"):
			_, _ = w.Write([]byte("c2VjcmV0"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	was := metadataURL
	defer func() { metadataURL = was }()
	metadataURL = server.URL + "/opc/v2/"
	text, err := metadata(t.Context())
	if err != nil || !strings.Contains(text, "region: eu-frankfurt-1\n") || !strings.Contains(text, "oke_init_script: 200 OK") ||
		!strings.Contains(text, "shape: 404 Not Found") || strings.Contains(text, "c2Vj") {
		t.Errorf("metadata = %q, %v", text, err)
	}
	server.Close()
	if _, err := metadata(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("metadata without a service = %v", err)
	}
}

// Of a long file the end is read.
func TestReadFile(t *testing.T) {
	tree := fstest.MapFS{"log": {Data: []byte(strings.Repeat("x", 2*maxRead) + "end")}, "short": {Data: []byte("all of it")}}
	if text, err := readFile(tree, "/log"); err != nil || len(text) != maxRead || !strings.HasSuffix(text, "xend") {
		t.Errorf("readFile = %d bytes, %v", len(text), err)
	}
	if text, err := readFile(tree, "/short"); err != nil || text != "all of it" {
		t.Errorf("readFile = %q, %v", text, err)
	}
	if _, err := readFile(tree, "/none"); err == nil || err.Error() != "there is none" {
		t.Errorf("readFile = %v, want that there is none", err)
	}
}
