// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestAnswerIsKept(t *testing.T) {
	asked := 0
	a := newAnswer(func() (int, error) {
		asked++
		return asked, nil
	})
	a.begin()
	for range 2 {
		if got, err := a.get(t.Context()); got != 1 || err != nil {
			t.Errorf("get = %d, %v, want 1", got, err)
		}
	}
}

func TestAnswerCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := newAnswer(func() (int, error) { select {} })
	if _, err := a.get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("get = %v, want %v", err, context.Canceled)
	}
}

// A panic becomes an error, so that the program can report it.
func TestAnswerPanics(t *testing.T) {
	a := newAnswer(func() (int, error) { panic("no such thing") })
	if _, err := a.get(t.Context()); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("get = %v, want the panic as an error", err)
	}
}
