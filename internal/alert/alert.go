// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// A likeness says how sure it is that a line of Falco's log is the alert about
// an open of the probe's.
type likeness int

const (
	// unlike is another line.
	unlike likeness = iota
	// likely is a line that holds the probe's name in some other place than the
	// default rule's output does, or an alert of that rule since the probe began
	// that names no process. It shows that Falco detects, and may not be the only
	// line about an open.
	likely
	// exact is the default rule's alert: one line for each open.
	exact
)

// compare compares a line, text or JSON, with the alert that the process named
// marker opened file after began. A rule's output can be replaced (override:
// output), and JSON may lack the output and its fields
// (json_include_output_property, json_include_output_fields_property).
func compare(line []byte, file, marker string, began time.Time) likeness {
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		return compareJSON(line, file, marker, began)
	}
	switch {
	case !bytes.Contains(line, []byte(marker)):
		return unlike
	case isDefaultOutput(string(line), file, marker):
		return exact
	}
	return likely // a text line does not name its rule
}

func compareJSON(line []byte, file, marker string, began time.Time) likeness {
	var alert struct {
		Output string         `json:"output"`
		Fields map[string]any `json:"output_fields"`
		Rule   string         `json:"rule"`
		Time   time.Time      `json:"time"`
	}
	if json.Unmarshal(line, &alert) != nil || alert.Rule != "" && alert.Rule != falco.SensitiveFileRule {
		return unlike
	}
	switch {
	case bytes.Contains(line, []byte(marker)):
		if alert.Fields["proc.name"] == marker && alert.Fields["fd.name"] == file || isDefaultOutput(alert.Output, file, marker) {
			return exact
		}
		return likely
	case alert.Rule != "" && alert.Output == "" && alert.Fields["proc.name"] == nil && alert.Fields["proc.cmdline"] == nil && !alert.Time.Before(began):
		return likely
	}
	return unlike
}

// isDefaultOutput reports whether text is the output of the default rule in some
// release. Falco 0.36 and later say process=, those before program=.
func isDefaultOutput(text, file, marker string) bool {
	return strings.Contains(text, falco.SensitiveFileOutput) && hasField(text, "file="+file) &&
		(hasField(text, "process="+marker) || hasField(text, "program="+marker))
}

// hasField reports whether a text has a field as a whole word:
// "file=/etc/shadow" is not in "file=/etc/shadow-".
func hasField(text, field string) bool {
	for word := range strings.FieldsSeq(text) {
		if strings.Trim(word, "()") == field {
			return true
		}
	}
	return false
}
