// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"sync"
)

// An answer is a question that is put once, when it is first begun or asked
// for, and whose answer is kept.
type answer[T any] struct {
	ask   func() (T, error)
	once  sync.Once
	done  chan struct{}
	value T
	err   error
}

func newAnswer[T any](ask func() (T, error)) *answer[T] {
	return &answer[T]{ask: ask, done: make(chan struct{})}
}

// begin puts the question without waiting for its answer.
func (a *answer[T]) begin() {
	a.once.Do(func() {
		go func() {
			defer close(a.done)
			// A panic here would end the program without its report.
			defer func() {
				if p := recover(); p != nil {
					a.err = fmt.Errorf("a defect in falco-bootstrap: %v", p)
				}
			}()
			a.value, a.err = a.ask()
		}()
	})
}

// get waits for the answer.
func (a *answer[T]) get(ctx context.Context) (T, error) {
	a.begin()
	select {
	case <-a.done:
		return a.value, a.err
	default:
	}
	select {
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
