// Steps and what a container may do, as a config.yaml says them.
#include "domain/jobs/config_parts.hpp"
#include "domain/jobs/job_config.hpp"
#include "domain/jobs/steps.hpp"
#include "domain/run_limits.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

std::optional<std::vector<std::string>> texts_if_given(ObjectReader& from, std::string_view key) {
  if (!from.any(key)) return std::nullopt;
  return from.texts(key);
}

Step read_step(ObjectReader from, names::Check& check) {
  Step step;
  step.id = read_name(from, "id");
  step.name = read_name(from, "name");
  step.script = from.text("script").value_or("");
  step.executor = from.text("executor").value_or("");
  step.needs = from.texts("needs");
  step.container = read_container(from, "container", check);
  return step;
}

}  // namespace

ObjectReader reader_of(const Json& value, std::string pointer, names::Check& check) {
  return {value, std::move(pointer), check, TextFrom::scalars};
}

std::string read_name(ObjectReader& from, std::string_view key, Need need) {
  auto name = from.text(key, need).value_or("");
  if (auto why = names::line_fault(name, runs::kMaxName); !why.empty()) from.complain(key, std::move(why));
  return name;
}

std::optional<Container> read_container(ObjectReader& from, std::string_view key, names::Check& check) {
  const Json* given = from.object(key);
  if (!given) return std::nullopt;
  ObjectReader section = reader_of(*given, pointer_to(from.pointer(), key), check);
  Container made;
  made.image = section.text("image").value_or("");
  made.network = section.text("network").value_or("");
  if (const Json* resources = section.object("resources")) {
    ObjectReader limits = reader_of(*resources, pointer_to(section.pointer(), "resources"), check);
    made.resources = Resources{limits.text("cpu").value_or(""), limits.text("memory").value_or("")};
  }
  made.rootfs_writable = section.flag("rootfs_writable");
  made.capabilities = texts_if_given(section, "capabilities");
  made.extra_args = texts_if_given(section, "extra_args");
  made.entrypoint = texts_if_given(section, "entrypoint");
  return made;
}

std::vector<Step> read_steps(ObjectReader& root, names::Check& check) {
  std::vector<Step> steps;
  const Json& listed = root.array("steps", runs::kMaxSteps);
  const auto at = pointer_to(root.pointer(), "steps");
  for (size_t i = 0; i < listed.size(); i++)
    steps.push_back(read_step(reader_of(listed[i], pointer_to(at, i), check), check));
  return steps;
}

}  // namespace muster::jobs
