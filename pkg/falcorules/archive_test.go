// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

// archive returns a .tar.gz of names and contents in turn.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpack(t *testing.T) {
	whole := archive(t, "a.yaml", "- rule: A\n")
	for _, tt := range []struct {
		name     string
		download []byte
		want     string
		fails    string
	}{
		{name: "a rules file", download: []byte("- rule: A\r\n"), want: "- rule: A\r\n"},
		{name: "an archive", download: whole, want: "- rule: A\n"},
		{name: "a README beside it", download: archive(t, "README", "x", "rules/a.yml", "- list: l\n"), want: "- list: l\n"},
		{name: "nothing", download: archive(t, "README", "x"), fails: "no rules file"},
		{name: "two", download: archive(t, "a.yaml", "x", "b.yaml", "y"), fails: "several rules files"},
		{name: "cut off", download: whole[:len(whole)/2], fails: "reading the archive"},
		{name: "too large", download: archive(t, "a.yaml", strings.Repeat("#", maxUnpacked)), fails: "too large"},
	} {
		got, err := Unpack(tt.download)
		if string(got) != tt.want || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: Unpack = %q, %v; want %q, %q", tt.name, got, err, tt.want, tt.fails)
		}
	}
}
