// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"sync"
)

// An answer keeps the answer to a question that is asked once, by begin or by
// the first get.
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

// begin asks without waiting.
func (a *answer[T]) begin() {
	a.once.Do(func() {
		go func() {
			defer close(a.done)
			// A panic here would end the program without its report.
			defer func() {
				if p := recover(); p != nil {
					a.err = fmt.Errorf("a bug in falco-bootstrap: %v", p)
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
	case <-ctx.Done():
		select {
		case <-a.done: // prefer an answer to the error of ctx
		default:
			var none T
			return none, ctx.Err()
		}
	}
	return a.value, a.err
}
