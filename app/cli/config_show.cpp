// :config, every setting with its value and where it came from.
#include <ostream>

#include "app/cli/catalog.hpp"
#include "app/cli/table.hpp"
#include "base/nearest.hpp"

namespace muster::cli {
namespace {

Json row_of(const config::Config& config, const config::Setting& setting) {
  return {{"name", setting.name},
          {"value", config.shown(setting)},
          {"origin", config::to_text(config.origin(setting.name))},
          {"default", setting.fallback},
          {"variable", setting.variable()},
          {"takes_effect", setting.takes_effect()}};
}

Outcome run(Call& call) {
  std::vector<const config::Setting*> chosen;
  if (const auto name = call.word(1); !name.empty()) {
    const auto* setting = config::find_setting(name);
    if (setting == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& each : config::settings()) known.push_back(each.name);
      return usage_error("there is no setting '" + name + "'" + did_you_mean(name, known));
    }
    chosen.push_back(setting);
  } else {
    for (const auto& setting : config::settings())
      if (!call.has("given") || call.config.given(setting.name)) chosen.push_back(&setting);
  }
  if (call.json) {
    Json rows = Json::array();
    for (const auto* setting : chosen) rows.push_back(row_of(call.config, *setting));
    print_json(call,
               {{"file", call.config.file().empty() ? Json() : Json(call.config.file())}, {"rows", rows}});
    return 0;
  }
  Table table{{{"NAME", false, true}, {"VALUE"}, {"ORIGIN"}, {"TAKES EFFECT"}}};
  for (const auto* setting : chosen) {
    const bool given = call.config.given(setting->name);
    table.add({{std::string{setting->name}},
               {call.config.shown(*setting), given ? Colour::bold : Colour::none},
               {config::to_text(call.config.origin(setting->name)), given ? Colour::none : Colour::dim},
               {std::string{setting->takes_effect()}, Colour::dim}});
  }
  table.print(call.io.out, call.io.terminal);
  return 0;
}

}  // namespace

Verb config_verb() {
  return {.name = ":config",
          .summary = "Show each setting with its value and where it came from",
          .usage = "[show [NAME]]",
          .example = "muster :config show --given\nMUSTER_BIND=:9000 muster :config show bind",
          .run = run,
          .reads = config::Reader::both,
          .flags = {{"given", "", "Only what is not the default"}},
          .subverbs = {"show"},
          .most_words = 2};
}

}  // namespace muster::cli
