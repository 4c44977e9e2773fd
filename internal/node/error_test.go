// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// Every constant of type Code has its own row, in the same order.
func TestCodesIsComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var constants []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
				constants = append(constants, spec.Values[0].(*ast.BasicLit).Value)
			}
		}
		return true
	})
	rows := Codes()
	if len(constants) < 10 || len(rows) != len(constants) {
		t.Fatalf("%d constants and %d rows, want as many", len(constants), len(rows))
	}
	names := map[string]bool{}
	for i, row := range rows {
		if fmt.Sprint(int(row.Code)) != constants[i] {
			t.Errorf("row %d is code %d, want %s", i, row.Code, constants[i])
		}
		if row.Name == "" || row.Meaning == "" || names[row.Name] {
			t.Errorf("code %d: name %q and meaning %q, want both, and no name twice", row.Code, row.Name, row.Meaning)
		}
		names[row.Name] = true
	}
}

// The error of a stopped run must not blame the network.
func TestStoppedRunIsNoPackageFailure(t *testing.T) {
	at := func(cause error) error {
		return fmt.Errorf("packages: %w", &Error{Code: CodePackages, Err: fmt.Errorf("running dnf: %w", cause), Hint: "a proxy"})
	}
	for _, tt := range []struct {
		cause error
		code  Code
		hint  string
	}{
		{context.Canceled, CodeFailed, "told to stop"},
		{context.DeadlineExceeded, CodePackages, "a proxy"},
	} {
		if got := CodeOf(at(tt.cause)); got != tt.code {
			t.Errorf("CodeOf(%v) = %v, want %v", at(tt.cause), got, tt.code)
		}
		if got := HintOf(at(tt.cause)); !strings.Contains(got, tt.hint) {
			t.Errorf("HintOf(%v) = %q, want %q in it", at(tt.cause), got, tt.hint)
		}
	}
}

// The hint of the configuration's own error wins over a general one.
func TestConfigError(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		hint  string
		drift Drift
	}{
		{name: "without a hint", err: errors.New("x"), hint: "general"},
		{name: "with a hint", err: fmt.Errorf("reading: %w", &falcoconf.Error{Hint: "its own"}), hint: "its own"},
		{name: "overruled", err: &falcoconf.Error{Hint: "its own", Err: falcoconf.ErrOverruled}, hint: "its own", drift: DriftConfigOverruled},
	} {
		err := ConfigError(tt.err, "general")
		if CodeOf(err) != CodeConfig || HintOf(err) != tt.hint || DriftOf(err) != tt.drift {
			t.Errorf("%s: ConfigError = %v, %q, %q; want %v, %q, %q", tt.name, CodeOf(err), HintOf(err), DriftOf(err), CodeConfig, tt.hint, tt.drift)
		}
	}
}

// A Falco that runs is not started again on what it would refuse.
func TestRefused(t *testing.T) {
	if err := Refused("falco.service", ""); err != nil {
		t.Errorf("Refused without a reason = %v", err)
	}
	err := Refused("falco.service", "no such key")
	if CodeOf(err) != CodeConfig || HintOf(err) == "" || !strings.Contains(err.Error(), "falco would refuse what is on disk") || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("Refused = %v (%v, %q)", err, CodeOf(err), HintOf(err))
	}
}

func TestErrorsInAChain(t *testing.T) {
	inner := &Error{Code: CodeTrust, Err: errors.New("inner"), Hint: "inner hint", Drift: DriftKeyExpired}
	outer := &Error{Code: CodeConfig, Err: fmt.Errorf("outer: %w", inner)}
	late := &Error{Code: CodePackages, Err: context.DeadlineExceeded}
	for _, tt := range []struct {
		name  string
		err   error
		code  Code
		hint  string
		drift Drift
	}{
		{name: "nil", code: CodeOK},
		{name: "plain", err: errors.New("x"), code: CodeFailed},
		{name: "the outer code, the first hint and class", err: fmt.Errorf("x: %w", outer), code: CodeConfig, hint: inner.Hint, drift: inner.Drift},
		{name: "canceled", err: &Error{Code: CodeTrust, Err: context.Canceled, Hint: "x"}, code: CodeFailed, hint: HintOf(context.Canceled)},
		{name: "out of time", err: late, code: CodePackages, hint: HintOf(context.DeadlineExceeded)},
	} {
		if code, hint, drift := CodeOf(tt.err), HintOf(tt.err), DriftOf(tt.err); code != tt.code || hint != tt.hint || drift != tt.drift {
			t.Errorf("%s: CodeOf, HintOf, DriftOf = %v, %q, %q, want %v, %q, %q", tt.name, code, hint, drift, tt.code, tt.hint, tt.drift)
		}
	}
	if HintOf(context.Canceled) == "" || HintOf(context.DeadlineExceeded) == "" {
		t.Error("no hint for a run that was canceled or ran out of time")
	}
}
