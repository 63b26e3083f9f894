// The policy of job runs: the profile, the bundle that an administrator writes, and what they make of a step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

// --- The profile -------------------------------------------------------------------------------------------

enum class Profile : uint8_t { secure, permissive, disabled };

[[nodiscard]] std::string_view to_text(Profile profile);

/// In any letter case. Error: `E_POLICY`, naming the three and, when one is near, which was meant.
Result<Profile> parse_profile(std::string_view text);

/// What names a profile, the strongest first; an empty text says nothing.
struct ProfileSources {
  std::string requested;    ///< `requested_security_profile`, or a job command's --profile.
  std::string environment;  ///< FLWD_PROFILE
  std::string configured;   ///< :serve --profile, or the configuration file.
};

/// The profile in force; `secure` when nothing names one. A name that nobody knows is an error even where a
/// stronger source would win: a typing mistake in a configuration must not wait for its day. Error:
/// `E_POLICY`.
Result<Profile> effective_profile(const ProfileSources& sources);

// --- The bundle --------------------------------------------------------------------------------------------

constexpr size_t kMaxBundle = 256 * 1024;  ///< Bytes of flwd.policy.yaml.

enum class Verify : uint8_t { required, permissive, disabled };

[[nodiscard]] std::string_view to_text(Verify verify);

/// What a bundle lets the profile `permissive` grant.
struct Overrides {
  std::vector<std::string> network;  ///< Modes, as they are asked for.
  bool rootfs_writable = false;
  std::vector<std::string> caps;  ///< In upper case without `CAP_`; `ALL` is every one.
  bool env_inheritance = false;
};

/// `flwd.policy.yaml`. It is read once, at start: a change needs a restart.
struct Bundle {
  std::optional<Verify> verify_signatures;      ///< None: as the profile says.
  std::vector<std::string> allowed_registries;  ///< Lower-case host[:port]; empty: all.
  std::optional<int64_t> max_cpu;               ///< Millicores.
  std::optional<int64_t> max_memory;            ///< Bytes.
  Overrides overrides;
  std::string digest;  ///< SHA-256 of the file, hex: tells whether the one on disk is still this one.
};

/// Reads a bundle strictly. Error: `E_POLICY` with every fault at once, each with its line. An empty file is
/// refused: one that was cut off must not pass for one that allows every registry.
Result<Bundle> parse_bundle(std::string_view text, std::string_view file);

/// The bundle's mode, else the profile's own: secure requires, permissive warns, disabled does not look.
[[nodiscard]] Verify verify_mode(const Bundle& bundle, Profile profile);

// --- Judging -----------------------------------------------------------------------------------------------

/// The merged settings of one step, or of a whole job.
struct Wanted {
  bool in_container = false;  ///< Else a process, whose network is `none` or `host` and that has no image.
  std::string image;
  std::string network;  ///< Empty: none.
  bool rootfs_writable = false;
  std::vector<std::string> capabilities;
  std::vector<std::string> extra_args;
  bool env_inheritance = false;
  Resources resources;
};

/// True when the job says `executor: container`, or says nothing and its interpreter is `container:<image>`.
[[nodiscard]] bool runs_in_container(const Job& job);

/// What `job` asks for with `container`, which is its own or, for a step, the merged one. Error: `E_CONFIG`
/// when the two names of an image differ, when there is none, and when a process is given what only a
/// container has.
Result<Wanted> wanted_of(const Job& job, const std::optional<Container>& container);

enum class Verdict : uint8_t { allowed, denied, warn };

[[nodiscard]] std::string_view to_text(Verdict verdict);

/// What a `policy.decision` event says. Subjects: `container.network`, `container.rootfs`,
/// `container.capabilities`, `container.extra_args`, `env.inheritance`, `image.registry`, `image.signature`,
/// `resources.cpu`, `resources.memory`, `process.sandbox`. Those of a process are the container's.
struct Decision {
  std::string subject;
  Verdict decision = Verdict::allowed;
  std::string code, reason;
  bool operator==(const Decision&) const = default;
};

/// What a plan shows as `policy_findings`.
struct Finding {
  std::string code, level, message;  ///< Levels: info, warning.
  bool operator==(const Finding&) const = default;
};

/// What is in force when nothing is denied; the same for a container and for a process in its sandbox.
struct Settings {
  bool sandboxed = true;  ///< False only for a process under `disabled`.
  std::string image;      ///< The whole reference.
  std::string network = "none";
  bool rootfs_writable = false;
  std::vector<std::string> capabilities;  ///< In upper case without `CAP_`, sorted, each once.
  std::vector<std::string> extra_args;
  bool env_inheritance = false;
  std::optional<int64_t> cpu;        ///< Millicores; none: no limit.
  std::optional<int64_t> memory;     ///< Bytes; none: no limit.
  std::optional<int64_t> processes;  ///< None: the runtime's own limit, or no limit.
  Verify verify = Verify::disabled;  ///< How the image's signature is to be looked at.
};

struct Judgement {
  std::vector<Error> denials;  ///< The first is the answer. Codes: below.
  std::vector<Finding> findings;
  std::vector<Decision> decisions;
  Settings settings;
  [[nodiscard]] bool allowed() const { return denials.empty(); }
};

/// Limits of a process under `secure` that asks for none, where the bundle has no ceiling.
constexpr int64_t kProcessCpu = 1000;
constexpr int64_t kProcessMemory = int64_t{1} << 30;
/// Processes and threads at once of a process run in its sandbox.
constexpr int64_t kMaxProcesses = 512;

/// Judges what is asked for (contract, section 10). What is not asked for is decided by nobody and stays at
/// the strictest. Overrides are denied under `secure`, granted under `permissive` when the bundle lists them,
/// and granted with a warning under `disabled`. Registries and ceilings hold under every profile; a limit
/// that is not asked for is the ceiling. Denials have the codes `policy.denied`,
/// `image.registry.not.allowed`, `E_IMAGE_POLICY` (an image or quantity that cannot be read, a ceiling
/// exceeded) and `E_CONFIG` (a setting that is none).
[[nodiscard]] Judgement judge(const Bundle& bundle, Profile profile, const Wanted& wanted);

/// Adds what looking at the signature of `judgement.settings.image` came to; with the mode `disabled`,
/// nothing. Denial: `image.signature.required`; finding: `image.signature.permissive`.
void judge_signature(Judgement& judgement, bool verified, std::string_view reason);

/// What the signature of that image comes to for a source with `verify_signatures: true`; first of both.
/// Denial: `source-signature-invalid` when it is not good, or when the profile `disabled` looks at none.
void judge_source_signature(Judgement& judgement, Profile profile, bool verified, std::string_view reason);

}  // namespace muster::jobs
