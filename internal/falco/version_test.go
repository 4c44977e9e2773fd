// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import "testing"

func TestSpan(t *testing.T) {
	for _, test := range []struct {
		name    string
		span    span
		in, out []string
		text    string
	}{
		{name: "from", span: span{from: "5.8"}, in: []string{"5.8", "5.8.3", "5.15", "6.0"}, out: []string{"5.7.9", "4.18"}, text: "kernel ≥ 5.8"},
		{name: "below", span: span{below: "0.40.0"}, in: []string{"0.39.2", "0.9"}, out: []string{"0.40.0", "1.0"}, text: "kernel < 0.40.0"},
		{name: "both", span: span{"5.15", "5.16"}, in: []string{"5.15", "5.15.99"}, out: []string{"5.14.99", "5.16.0", "6.0"}, text: "5.15 ≤ kernel < 5.16"},
		{name: "builds", span: span{from: "372"}, in: []string{"372", "553"}, out: []string{"371", "80"}, text: "kernel ≥ 372"},
	} {
		for _, v := range test.in {
			if !test.span.has(dotted(v)) {
				t.Errorf("%s: %+v has not %s", test.name, test.span, v)
			}
		}
		for _, v := range test.out {
			if test.span.has(dotted(v)) {
				t.Errorf("%s: %+v has %s", test.name, test.span, v)
			}
		}
		if got := test.span.of("kernel"); got != test.text {
			t.Errorf("%s: of(kernel) = %q, want %q", test.name, got, test.text)
		}
	}
}
