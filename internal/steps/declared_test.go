// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/vocabulary"
)

// A key that Falco does not have is refused before Falco is installed and after. The
// installed Falco is asked about keys that this program does not know.
func TestDeclaredKeys(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	s.Falco.Config["file_output.enbled"] = true
	refused := func(when string) {
		t.Helper()
		r := converge.Plan(t.Context(), n, All(s))
		if node.CodeOf(r.Err) != node.CodeConfig || !strings.Contains(r.Err.Error(), "did you mean file_output.enabled?") {
			t.Errorf("%s: %v", when, r.Err)
		}
	}
	refused("before Falco is there")
	delete(s.Falco.Config, "file_output.enbled")
	converged(t, n, s)
	s.Falco.Config["file_output.enbled"] = true
	refused("with Falco")
	delete(s.Falco.Config, "file_output.enbled")
	s.Falco.Config["brand_new"] = true
	n.schema = `{"type": "object", "additionalProperties": false, "properties": {"other": {}}}`
	if r := converge.Plan(t.Context(), n, All(s)); node.CodeOf(r.Err) != node.CodeConfig {
		t.Errorf("a key that Falco's schema lacks: %v", r.Err)
	}
	n.schema = strings.Replace(n.schema, "other", "brand_new", 1)
	converged(t, n, s)
	delete(s.Falco.Config, "brand_new")
	n.write(vocabulary.LastRun, `{"declared": ["brand_new"]}`)
	r := converge.Plan(t.Context(), n, All(s))
	found := false
	for _, step := range r.Steps {
		for _, w := range step.Warnings {
			found = found || strings.Contains(w.Message, "left as it was set: brand_new (/etc/falco/falco.yaml:") && w.Drift == ""
		}
	}
	if r.Err != nil || r.Pending() || !found {
		t.Errorf("a key that is no longer declared: %v, pending %v, named %v", r.Err, r.Pending(), found)
	}
}
