# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variables {
  release = {
    x86_64 = {
      url    = "https://example.com/falco-bootstrap_linux_amd64"
      size   = 12345678
      sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    }
  }
}

run "defaults" {
  command = plan

  assert {
    condition     = startswith(base64decode(output.user_data), "#!/bin/bash\n")
    error_message = "The complete script does not start with a shebang, so cloud-init would not run it."
  }
  assert {
    condition = strcontains(base64decode(output.user_data), join("\n", [
      "curl --fail -H \"Authorization: Bearer Oracle\" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh",
      "timeout --kill-after=5 30 /usr/libexec/oci-growfs -y || echo 'falco-bootstrap: growing the root file system failed' >&2",
      "bash /var/run/oke-init.sh $${fb_kubelet_extra_args:+--kubelet-extra-args \"$fb_kubelet_extra_args\"}",
    ]))
    error_message = "Oracle's mandatory lines differ from the documentation."
  }
  assert {
    condition     = length(base64decode(output.user_data)) < 12288 && !can(regex("\n *# ", base64decode(output.user_data)))
    error_message = "Comments leave too little room for settings."
  }
  assert {
    condition     = !strcontains(output.cloud_init_part.content, "oke_init_script")
    error_message = "The part joins the node a second time."
  }
  assert {
    condition     = strcontains(output.cloud_init_part.content, "\nfb_size_x86_64='12345678'\n") && strcontains(output.cloud_init_part.content, "\nfb_sha256_aarch64=''\n")
    error_message = "The pins are not in the script as given."
  }
  assert {
    condition     = length(split("fb_mode='", output.cloud_init_part.content)) == 2
    error_message = "The settings are in the script more than once, so the defaults may win."
  }
  assert {
    condition     = can(regex("^text/[a-z-]+$", output.cloud_init_part.content_type))
    error_message = "oracle-terraform-modules/oke refuses this content type."
  }
  assert {
    condition     = yamldecode(output.settings).falco.config.json_output == true && yamldecode(output.settings).falco.config.file_output.filename == output.log.alert_file
    error_message = "The default is not JSON in the alert file."
  }
}

run "text_has_a_date" {
  command = plan
  variables {
    alert_format = "text"
    falco_config = { priority = "warning" }
  }
  assert {
    condition     = yamldecode(output.settings).falco.config.time_format_iso_8601 == true && yamldecode(output.settings).falco.config.json_output == false
    error_message = "Text lines would have no date."
  }
  assert {
    condition     = yamldecode(output.settings).falco.config.priority == "warning"
    error_message = "falco_config is not in the settings."
  }
  assert {
    condition     = output.log.alert_format == "text"
    error_message = "The logging module would use the wrong parser."
  }
}

run "kubelet" {
  command = plan
  variables {
    node_labels        = { "example.com/pool" = "blue", falco = "managed" }
    node_taints        = [{ key = "dedicated", value = "db", effect = "NoSchedule" }]
    kubelet_extra_args = "--max-pods=60 --v=4"
  }
  assert {
    condition     = strcontains(base64decode(output.user_data), "\nfb_kubelet_extra_args='--node-labels=example.com/pool=blue,falco=managed --register-with-taints=dedicated=db:NoSchedule --max-pods=60 --v=4'\n") && !strcontains(base64decode(output.user_data), "fb_kubelet_extra_args=''")
    error_message = "The arguments do not reach kubelet."
  }
  assert {
    condition     = strcontains(output.join_part.content, "\nfb_kubelet_extra_args='--node-labels=") && strcontains(output.join_part.content, "oke_init_script") && !strcontains(output.join_part.content, "firstboot")
    error_message = "The part that joins does not do that alone."
  }
  assert {
    condition     = !strcontains(output.cloud_init_part.content, "fb_kubelet_extra_args")
    error_message = "The part has nothing to do with kubelet."
  }
}

run "shell_in_kubelets_arguments_is_refused" {
  command = plan
  variables {
    kubelet_extra_args = "--v=4'; reboot; '"
  }
  expect_failures = [var.kubelet_extra_args]
}

run "unknown_effect_is_refused" {
  command = plan
  variables {
    node_taints = [{ key = "a", value = "b", effect = "Never" }]
  }
  expect_failures = [var.node_taints]
}

run "every_setting" {
  command = plan
  variables {
    falco_config = { priority = "warning" }
    settings = {
      falco      = { rpm = "/srv/falco", rules_follow = true, config = { priority = "debug", "http_output.enabled" = false } }
      repository = { repo_gpgcheck = false, fingerprints = ["478B2FBBC75F4237B731DA4365106822B35B1B1F"] }
      log        = { mode = "0640", group = "adm", rotate = { size = "50M", keep = 3 } }
      epel       = { after = "unchanged" }
    }
  }
  assert {
    condition     = yamldecode(output.settings).falco.rpm == "/srv/falco" && yamldecode(output.settings).falco.rules_follow == true && yamldecode(output.settings).repository.repo_gpgcheck == false
    error_message = "A setting does not reach the node, or not with its type."
  }
  assert {
    condition     = yamldecode(output.settings).log.rotate.keep == 3 && yamldecode(output.settings).log.mode == "0640" && yamldecode(output.settings).epel.after == "unchanged"
    error_message = "A section does not reach the node."
  }
  assert {
    condition     = yamldecode(output.settings).falco.config["http_output.enabled"] == false && yamldecode(output.settings).falco.config.priority == "warning" && yamldecode(output.settings).falco.config.json_output == true
    error_message = "The keys of falco.yaml are not merged."
  }
}

run "mirror" {
  command = plan
  variables {
    mirror   = "https://mirror.example.com/falco"
    settings = { repository = { warn_days = 30 } }
  }
  assert {
    condition     = yamldecode(output.settings).repository == { baseurl = "https://mirror.example.com/falco", gpgkey = "https://mirror.example.com/falco/RPM-GPG-KEY-falcosecurity", repo_gpgcheck = false, warn_days = 30 }
    error_message = "The node would not use the mirror."
  }
}

run "unknown_setting_is_refused" {
  command = plan
  variables {
    settings = { falco = { rulez = "x" } }
  }
  expect_failures = [var.settings]
}

run "unknown_section_is_refused" {
  command = plan
  variables {
    settings = { proxy = "x" }
  }
  expect_failures = [var.settings]
}

run "the_parser_cannot_be_undone_in_settings" {
  command = plan
  variables {
    settings = { falco = { config = { "file_output.filename" = "/tmp/x" } } }
  }
  expect_failures = [var.settings]
}

run "quotes_stay_in_the_string" {
  command = plan
  variables {
    falco_config = { syscall_event_drops = { note = "it's $(reboot) `x` \\1 $1" } }
  }
  assert {
    condition     = strcontains(output.cloud_init_part.content, "it'\\''s $(reboot) `x`")
    error_message = "A single quote would end the shell string."
  }
}

run "audit" {
  command = plan
  variables {
    mode = "audit"
  }
  assert {
    condition     = strcontains(base64decode(output.user_data), "\nfb_mode='audit'\n")
    error_message = "The mode is not in the script."
  }
}

run "http_is_refused" {
  command = plan
  variables {
    release = { x86_64 = { url = "http://example.com/f", size = 1, sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" } }
  }
  expect_failures = [var.release]
}

run "no_hash_is_refused" {
  command = plan
  variables {
    release = { x86_64 = { url = "https://example.com/f", size = 1, sha256 = "" } }
  }
  expect_failures = [var.release]
}

run "shell_in_the_url_is_refused" {
  command = plan
  variables {
    release = { x86_64 = { url = "https://example.com/f'$(reboot)'", size = 1, sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" } }
  }
  expect_failures = [var.release]
}

run "unknown_architecture_is_refused" {
  command = plan
  variables {
    release = { riscv64 = { url = "https://example.com/f", size = 1, sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" } }
  }
  expect_failures = [var.release]
}

run "the_parser_cannot_be_undone" {
  command = plan
  variables {
    falco_config = { json_output = false }
  }
  expect_failures = [var.falco_config]
}

run "too_large_is_refused" {
  command = plan
  variables {
    falco_config = { note = format("%08000d", 1) }
  }
  expect_failures = [output.user_data, output.cloud_init_part]
}

run "rules_reach_the_settings" {
  command = plan

  variables {
    falco_rules = [
      { name = "incubating", url = "https://example.com/rules.tar.gz", sha256 = "ab" },
      { name = "site", content = "- list: it's\n  items: []\n" },
    ]
  }

  assert {
    condition     = yamldecode(output.settings).falco.rules[0].sha256 == "ab" && yamldecode(output.settings).falco.rules[1].content == "- list: it's\n  items: []\n"
    error_message = "falco_rules is not in the settings."
  }
}

run "rules_without_a_sum" {
  command = plan

  variables {
    falco_rules = [{ name = "incubating", url = "https://example.com/rules.tar.gz" }]
  }

  expect_failures = [var.falco_rules]
}
