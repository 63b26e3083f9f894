// `container.extra_args`: flags for the runtime that a job adds by itself, and which of them it may not.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::jobs {

constexpr size_t kMaxExtraArgs = 64;

/// Extra arguments must not undo what was judged. They are read flag by flag, and each is of one of four
/// kinds:
///
/// - **harmless**, under every profile: `--label`, `-l`, `--hostname`, `-h`, `--add-host`, `--dns`,
///   `--dns-option`, `--dns-search`, `--env K=V` and `-e K=V` (never `-e K`, which passes the host's variable
///   on),
///   `--init`, `--tz`, `--shm-size`, `--stop-signal`, `--tmpfs`, `--ulimit`, `--umask`, `--user`, `-u`,
///   `--platform`, and `--pids-limit` with a number from 1 to 4096.
/// - **the run's own**, refused under every profile, since the run could no longer be followed, stopped or
/// removed,
///   or another setting says the same: `--name`, `--rm`, `--replace`, `--detach`, `-d`, `--cidfile`,
///   `--pidfile`, `--conmon-pidfile`, `--restart`, `--pod`, `--pod-id-file`, `--rootfs`, `--entrypoint`,
///   `--workdir`, `-w`, `--interactive`, `-i`, `--tty`, `-t`, `--attach`, `-a`, `--pull`, `--rmi`,
///   `--sig-proxy`, `--log-driver`, `--log-opt`, `--cpus`, `--memory`, `-m`, `--help`.
/// - **dangerous**, which is every other one: `--privileged`, `--network`, `--net`, `--volume`, `-v`,
/// `--mount`,
///   `--cap-add`, `--security-opt`, `--pid`, `--ipc`, `--userns`, `--device`, `--env-file`, `--env-host`,
///   `--read-only=false`, and what this list has never heard of. Refused under `secure` and `permissive` (a
///   bundle lists overrides of settings, not of flags: say `container.network` instead of `--network`); under
///   `disabled` allowed with a warning, but only in one word, `--flag=value`, or bare where it is known to
///   take no value: else the runtime might take the next word, the image, for one.
/// - **no flag at all**, refused under every profile: a stray word would be taken for the image, and `--`
/// ends
///   the flags.
struct ExtraArgs {
  std::vector<std::string> args;       ///< What was given, when nothing is refused.
  std::vector<std::string> dangerous;  ///< The flags among them that only `disabled` lets pass.
};

/// Error: `policy.denied` for a flag that the profile refuses, `E_CONFIG` for what cannot be read.
Result<ExtraArgs> read_extra_args(const std::vector<std::string>& args, Profile profile);

}  // namespace muster::jobs
