// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Core returns a core that hides secrets in everything that is logged: the
// message, the stack and every field, however deeply nested.
func Core(inner zapcore.Core) zapcore.Core { return core{inner} }

type core struct{ zapcore.Core }

func (c core) With(fields []zapcore.Field) zapcore.Core { return core{c.Core.With(clean(fields))} }

func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message, e.Stack, e.LoggerName = Text(e.Message), Text(e.Stack), Text(e.LoggerName)
	return c.Core.Write(e, clean(fields))
}

func clean(fields []zapcore.Field) []zapcore.Field {
	var out []zapcore.Field
	for _, f := range fields {
		switch f.Type {
		case zapcore.NamespaceType, zapcore.SkipType, zapcore.DurationType, zapcore.TimeType, zapcore.TimeFullType:
			out = append(out, f)
		default:
			out = append(out, decoded(f)...)
		}
	}
	return out
}

// decoded returns what a field's JSON holds, redacted. One field may become
// several: an error with details is two.
func decoded(f zapcore.Field) []zapcore.Field {
	if f.Type == zapcore.BinaryType {
		f.Type = zapcore.ByteStringType // a secret cannot be recognized in base64
	}
	line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		EncodeTime: zapcore.RFC3339TimeEncoder, EncodeDuration: zapcore.StringDurationEncoder,
	}).EncodeEntry(zapcore.Entry{}, []zapcore.Field{f})
	var values map[string]any
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(line.Bytes()))
		d.UseNumber()
		err = d.Decode(&values)
	}
	if err != nil {
		return []zapcore.Field{zap.String(f.Key, Mask)}
	}
	var out []zapcore.Field
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, zap.Reflect(Text(key), value(key, values[key])))
	}
	return out
}

// value redacts a JSON value. It hides all of it after a key that sounds secret,
// or after such a flag in a list of arguments.
func value(key string, v any) any {
	text, isText := v.(string)
	switch {
	case v == nil, v == true, v == false:
		return v
	case isText && !hidesAll(key, text):
		return textOf(key, text)
	case secretName(key):
		return Mask
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, sub := range v {
			if text, ok := sub.(string); ok && isEnvironment(key) && !isPublic(name, text) {
				sub = redactEnvironment(name + "=" + text)[len(name)+1:]
			}
			out[Text(name)] = value(name, sub)
		}
		return out
	case []any:
		flag := ""
		for i, sub := range v {
			if v[i] = value(flag, sub); isEnvironment(key) {
				v[i] = value(key, sub)
			}
			if flag, _ = sub.(string); !strings.HasPrefix(flag, "-") {
				flag = ""
			}
		}
	}
	return v
}

// isEnvironment reports whether a key holds environment variables.
func isEnvironment(key string) bool { return joinName(key) == "environment" || joinName(key) == "env" }

func textOf(key, text string) string {
	if isEnvironment(key) {
		text = redactEnvironment(text)
	}
	return Text(text)
}

// JSON redacts a JSON object. It returns nil if it is not one.
func JSON(object []byte) []byte {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if d.Decode(&values) != nil || values == nil {
		return nil
	}
	out, err := json.Marshal(value("", values))
	if err != nil {
		return nil
	}
	return out
}
