// Folding, saving and loading all views. The only file that instantiates their text form.
#include "projections/catalog.hpp"

#include <algorithm>

#include "events/parts.hpp"

namespace muster {
namespace {

constexpr std::string_view kSetHead = "@set 1";

struct Place {
  uint64_t seq = 0;
  std::string head;
  Time time{};
  uint64_t epoch = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("head", self.head);
    visit("time", self.time);
    visit("epoch", self.epoch);
  }
};

template <class View>
std::string head_of(const View&) {
  return std::string("@").append(View::name).append(" ").append(std::to_string(View::version));
}

Error corrupt(std::string what) {
  return {"log.corrupt", std::move(what), {}};
}

/// Cuts the first line off `text`, without its newline.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// Cuts off what stands before the next line that begins with '@'. JSON rows and "#part" lines never do.
std::string_view take_section(std::string_view& text) {
  if (text.starts_with('@')) return {};
  const auto next = text.find("\n@");
  const auto section = text.substr(0, next == std::string_view::npos ? text.size() : next + 1);
  text.remove_prefix(section.size());
  return section;
}

Status load_place(ViewSet& set, std::string_view section) {
  const auto place = from_json_text<Place>(section);
  if (!place) return corrupt("a checkpoint's place does not read: " + place.error().detail);
  const auto head = digest_from_hex(place->head);
  if (!head) return corrupt("a checkpoint's head is not a SHA-256 in hex");
  set.seq = place->seq;
  set.head = *head;
  set.time = place->time;
  set.epoch = place->epoch;
  return Done{};
}

}  // namespace

void fold(ViewSet& set, const Record& record) {
  std::apply([&](auto&... view) { (view.fold(record), ...); }, set.views);
  set.seq = record.seq;
  set.time = record.envelope.time;
  set.epoch = record.envelope.epoch;
}

void fold_only(ViewSet& set, const std::vector<std::string>& names, const Record& record) {
  const auto one = [&]<class View>(View& view) {
    if (std::find(names.begin(), names.end(), View::name) != names.end()) view.fold(record);
  };
  std::apply([&](auto&... view) { (one(view), ...); }, set.views);
}

std::string save_views(const ViewSet& set) {
  std::string out(kSetHead);
  out += '\n';
  append_fields(out, Place{set.seq, to_hex(set.head), set.time, set.epoch});
  out += '\n';
  const auto one = [&](const auto& view) {
    out += head_of(view);
    out += '\n';
    save_parts(out, view);
  };
  std::apply([&](const auto&... view) { (one(view), ...); }, set.views);
  return out;
}

Result<LoadedViews> load_views(std::string_view text) {
  if (take_line(text) != kSetHead) return corrupt("this is no checkpoint of views that this build reads");
  if (!text.ends_with('\n')) return corrupt("a checkpoint is cut off");
  LoadedViews loaded;
  if (auto status = load_place(loaded.set, take_section(text)); !status) return status.error();

  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto head = take_line(text);
    const auto section = take_section(text);
    Status status = Done{};
    const auto one = [&]<class View>(View& view) {
      if (head != head_of(view)) return;
      found.push_back(View::name);
      status = load_parts(view, section);
    };
    std::apply([&](auto&... view) { (one(view), ...); }, loaded.set.views);
    if (!status) return status.error();
  }
  const auto missing = [&]<class View>(const View&) {
    if (std::find(found.begin(), found.end(), View::name) == found.end())
      loaded.outdated.emplace_back(View::name);
  };
  std::apply([&](const auto&... view) { (missing(view), ...); }, loaded.set.views);
  return loaded;
}

std::vector<ViewDigest> digests(const ViewSet& set) {
  std::vector<ViewDigest> all;
  std::string text;
  const auto one = [&]<class View>(const View& view) {
    text.clear();
    save_parts(text, view);
    all.push_back({View::name, View::version, sha256_hex(text)});
  };
  std::apply([&](const auto&... view) { (one(view), ...); }, set.views);
  return all;
}

}  // namespace muster
