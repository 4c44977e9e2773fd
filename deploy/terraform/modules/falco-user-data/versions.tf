# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# No provider: this module only renders text, and can be tested anywhere.
terraform {
  required_version = ">= 1.5.0"
}
