// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A countingView counts how often rpm is asked.
type countingView struct {
	*fakeNode
	asked *int
}

func (v countingView) Packages(ctx context.Context) (node.Packages, error) {
	*v.asked++
	return v.fakeNode.Packages(ctx)
}

// The steps share one survey per view.
func TestOneSurveyOfEachView(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	all := All(s)
	first, second := new(int), new(int)
	converge.Plan(t.Context(), countingView{n, first}, all)
	converged(t, n, s)
	r := converge.Plan(t.Context(), countingView{n, second}, all)
	if r.Pending() || *first != 1 || *second != 1 {
		t.Errorf("rpm was asked %d and %d times, pending %v; want once each, and what the second view shows", *first, *second, r.Pending())
	}
}
