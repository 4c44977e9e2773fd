// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import "testing"

// With shows what one more file would change, or one less.
func TestWith(t *testing.T) {
	const mine = "/etc/logrotate.d/mine"
	block := log + " {\n}\n"
	for _, tt := range []struct {
		name    string
		files   map[string]string
		content []byte
		want    string
	}{
		{name: "a new file", files: map[string]string{Main: "include /etc/logrotate.d\n", "/etc/logrotate.d/z": block}, content: []byte(block), want: mine + ":1 " + log + ", !/etc/logrotate.d/z:1 " + log},
		{name: "a new directory", files: map[string]string{Main: "include /etc/logrotate.d\n"}, content: []byte(block), want: mine + ":1 " + log},
		{name: "another content", files: map[string]string{Main: "include /etc/logrotate.d\n", mine: block}, content: []byte("# none\n")},
		{name: "without the file", files: map[string]string{Main: "include /etc/logrotate.d\n", mine: block, "/etc/logrotate.d/z": block}, want: "/etc/logrotate.d/z:1 " + log},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, With(tree(tt.files), mine, tt.content), "")
			if got := said(c.Rules(log)); got != tt.want {
				t.Errorf("rules = %q, want %q", got, tt.want)
			}
		})
	}
}
