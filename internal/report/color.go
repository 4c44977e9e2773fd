// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// A color is a terminal's code for one, of the sixteen that every terminal
// has and every colour scheme keeps readable.
type color string

const (
	plain  color = ""
	bold   color = "1"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
	faint  color = "2"
)

// A painter colours text, or leaves it.
type painter func(c color, text string) string

func paint(on bool) painter {
	return func(c color, text string) string {
		if !on || c == plain || text == "" {
			return text
		}
		return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
	}
}

func statusColor(status string) color {
	switch converge.Status(status) {
	case converge.StatusOK:
		return green
	case converge.StatusChanged, converge.StatusPending:
		return yellow
	case converge.StatusFailed:
		return red
	case converge.StatusWaiting, converge.StatusUnknown:
		return cyan
	case converge.StatusSkipped:
		return faint
	}
	return plain
}

func resultColor(result string) color {
	switch result {
	case ResultOK, ResultChanged:
		return green
	case ResultPending, ResultUnknown:
		return yellow
	case ResultFailed:
		return red
	}
	return plain
}

func diffColor(line string) color {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return bold
	case strings.HasPrefix(line, "-"):
		return red
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "@@"):
		return cyan
	}
	return plain
}
