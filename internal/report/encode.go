// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrSchema means that a report is of a schema version that this program
// cannot read.
var ErrSchema = errors.New("unknown schema_version")

// maxPrevious bounds the report before this one, in bytes. One that is larger
// goes without its steps.
const maxPrevious = 256 << 10

// JSON writes the report indented, with a newline at its end, for people and
// for a file of its own.
func (r Report) JSON(w io.Writer) error { return encode(w, r, "  ") }

// Line writes the report as one line, for files of many (NDJSON).
func (r Report) Line(w io.Writer) error { return encode(w, r, "") }

// encode writes v with a single call of Write: a reader of a pipe never sees
// half an object unless the pipe itself cuts it.
func encode(w io.Writer, v any, indent string) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Decode reads one report. Names it does not know are ignored; another schema
// version is [ErrSchema].
func Decode(line []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(line, &r); err != nil {
		return Report{}, fmt.Errorf("decoding a report: %w", err)
	}
	if r.SchemaVersion != SchemaVersion {
		return Report{}, fmt.Errorf("decoding a report: %w %d, this program reads %d", ErrSchema, r.SchemaVersion, SchemaVersion)
	}
	return r, nil
}

// WithPrevious returns the report with an older last-run.json kept in it. The
// old one may be of any schema version, cut short or no JSON at all; what is
// not an object is left out, and so is the old one's own previous.
func WithPrevious(current Report, old []byte) Report {
	current.Previous = nil
	var object map[string]json.RawMessage
	if json.Unmarshal(old, &object) != nil || object == nil {
		return current
	}
	delete(object, "previous")
	raw, err := json.Marshal(object)
	if len(raw) > maxPrevious {
		delete(object, "steps")
		raw, err = json.Marshal(object)
	}
	if err == nil && len(raw) <= maxPrevious {
		current.Previous = raw
	}
	return current
}
