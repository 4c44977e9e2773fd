// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// SchemaSince is the first release that prints the schema of its configuration:
// `falco --config-schema` (falcosecurity/falco#3312).
const SchemaSince = "0.39.0"

// A Schema is the schema of falco.yaml as Falco prints it: JSON Schema, draft 6.
type Schema struct{ root, definitions map[string]any }

// ParseSchema reads what `falco --config-schema` prints.
func ParseSchema(src []byte) (Schema, error) {
	var s Schema
	if err := json.Unmarshal(src, &s.root); err != nil {
		return Schema{}, fmt.Errorf("reading the schema of falco.yaml: %w", err)
	}
	s.definitions, _ = s.root["definitions"].(map[string]any)
	return s, nil
}

// Has reports whether the schema allows the key at path. What it does not constrain,
// such as the init_config of a plugin, it allows.
func (s Schema) Has(path string) bool {
	p, err := yamledit.ParsePath(path)
	return err == nil && s.has(s.root, p)
}

func (s Schema) has(at map[string]any, path yamledit.Path) bool {
	if ref, ok := at["$ref"].(string); ok {
		at, _ = s.definitions[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	if len(path) == 0 {
		return true
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		all, _ := at[word].([]any)
		for _, one := range all {
			if inner, ok := one.(map[string]any); ok && s.has(inner, path) {
				return true
			}
		}
		if len(all) > 0 {
			return false
		}
	}
	if path[0].IsIndex() {
		items, ok := at["items"].(map[string]any)
		return !ok || s.has(items, path[1:])
	}
	if kind, ok := at["type"].(string); ok && kind != "object" {
		return false
	}
	properties, _ := at["properties"].(map[string]any)
	if inner, ok := properties[path[0].Key].(map[string]any); ok {
		return s.has(inner, path[1:])
	}
	more, closed := at["additionalProperties"].(bool)
	return !closed || more
}
