// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

//go:embed schema.txt
var schemaText string

// schema returns the keys of falco.yaml that Falco 0.minor knows, by dotted path.
func schema(minor int) map[string]bool {
	known := map[string]bool{}
	for line := range strings.Lines(schemaText) {
		key, until, limited := strings.Cut(strings.TrimSpace(line), " until ")
		if last, _ := strconv.Atoi(until); limited && minor > last {
			continue
		}
		block, _, _ := strings.Cut(key, ".")
		known[block], known[key] = true, true
	}
	return known
}

// printedSchema is what --config-schema prints, without the types of the keys: falco
// 0.44.1 userspace/falco/app/actions/print_config_schema.cpp.
func printedSchema(minor int) string {
	top := map[string]any{}
	for path := range schema(minor) {
		block, inner, ok := strings.Cut(path, ".")
		at, _ := top[block].(map[string]any)
		switch {
		case at == nil && !ok:
			top[block] = map[string]any{}
			continue
		case at == nil:
			at = map[string]any{}
			top[block] = at
		}
		if !ok || inner == "*" {
			continue
		}
		keys, _ := at["properties"].(map[string]any)
		if keys == nil {
			keys = map[string]any{}
		}
		keys[inner] = map[string]any{}
		at["type"], at["properties"], at["additionalProperties"] = "object", keys, false
	}
	text, _ := json.MarshalIndent(map[string]any{
		"$schema": "http://json-schema.org/draft-06/schema#", "$ref": "#/definitions/FalcoConfig",
		"definitions": map[string]any{"FalcoConfig": map[string]any{"type": "object", "additionalProperties": false, "properties": top}},
	}, "", "  ")
	return string(text)
}

const schemaOK = "schema validation: ok"

// validate returns the line that Falco prints after a file's name, from 0.39 on: it
// names the first key that fails, and is never more than a warning.
func (a *app) validate(t tree, isMap bool) string {
	if !isMap {
		return "schema validation: failed for <root>: Value type not permitted by 'type' constraint."
	}
	known := schema(a.minor)
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if !known[key] {
			return unknownKey("<root>", key)
		}
		block, _ := t[key].(map[string]any)
		for _, inner := range slices.Sorted(maps.Keys(block)) {
			if !known[key+".*"] && !known[key+"."+inner] {
				return unknownKey("<root>["+key+"]", inner)
			}
		}
	}
	return schemaOK
}

func unknownKey(where, key string) string {
	return fmt.Sprintf("schema validation: failed for %s: Object contains a property that could not be validated "+
		"using 'properties' or 'additionalProperties' constraints: '%s'.", where, key)
}
