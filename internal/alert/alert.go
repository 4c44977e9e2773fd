// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"bytes"
	"encoding/json"
	"strings"
)

// sensitive is the start of the output of the rule "Read sensitive file
// untrusted" in every default ruleset from falco-rules 0.1.0 (falco 0.32) to
// 5.1.0 (falco 0.44). A text line holds no rule name.
const sensitive = "Sensitive file opened for reading"

// isAlert reports whether a line of Falco's log, text or JSON, is the alert
// that the process named marker opened file.
func isAlert(line []byte, file, marker string) bool {
	if !bytes.Contains(line, []byte(marker)) {
		return false
	}
	text := string(line)
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		var alert struct {
			Output string         `json:"output"`
			Fields map[string]any `json:"output_fields"`
		}
		if json.Unmarshal(line, &alert) != nil {
			return false
		}
		if alert.Fields["proc.name"] == marker && alert.Fields["fd.name"] == file {
			return true
		}
		text = alert.Output
	}
	// Falco 0.36 and later say process=, those before program=.
	return strings.Contains(text, sensitive) && hasField(text, "file="+file) &&
		(hasField(text, "process="+marker) || hasField(text, "program="+marker))
}

// hasField reports whether a text has a field as a word of its own:
// "file=/etc/shadow" is not in "file=/etc/shadow-".
func hasField(text, field string) bool {
	for word := range strings.FieldsSeq(text) {
		if strings.Trim(word, "()") == field {
			return true
		}
	}
	return false
}
