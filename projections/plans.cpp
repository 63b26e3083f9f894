// Folding templates, the profile and the plans given.
#include "projections/plans.hpp"

namespace muster::plans {
namespace {

using Source = View::Source;

Source loaded(const std::string& generation, const RawJson& content, const Record& record) {
  return {generation, content, record.envelope.time, true, "", {}, record.seq};
}

Source rejected(Source source, const std::string& reason, const Record& record) {
  source.ok = false;
  source.error = reason;
  source.error_at = record.envelope.time;
  source.seq = record.seq;
  return source;
}

}  // namespace

void View::fold(const Record& record) {
  match(record.event)(
    [&](const TemplateLoaded& e) {
      templates[e.file] = loaded(e.generation, e.apps, record);
      about.changed = record.seq;
    },
    [&](const TemplateRejected& e) {
      auto& source = templates[e.file];
      source = rejected(*source, e.reason, record);
      about.changed = record.seq;
    },
    [&](const ProfileLoaded& e) {
      profile = loaded(e.generation, e.document, record);
      about.changed = record.seq;
    },
    [&](const ProfileRejected& e) {
      profile = rejected(*profile, e.reason, record);
      about.changed = record.seq;
    },
    [&](const Issued& e) {
      issued[e.node] = {record.shared(e), record.envelope.time, record.seq};
      about.changed = record.seq;
    },
    [](const auto&) {});
}

}  // namespace muster::plans
