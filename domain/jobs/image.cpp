// Reads image references by hand: what is not surely one is refused.
#include "domain/jobs/image.hpp"

#include <algorithm>
#include <vector>

#include "base/json.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr size_t kMaxTag = 128, kMaxRepository = 255, kMaxHost = 253, kHexOfId = 64;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool small(char c) {
  return (c >= 'a' && c <= 'z') || digit(c);
}
bool hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}

/// Lower-case letters and digits with one `.`, one or two `_`, or any number of `-` between them.
bool is_component(std::string_view part) {
  if (part.empty() || !small(part.front()) || !small(part.back())) return false;
  for (size_t at = 0; at < part.size();) {
    if (small(part[at])) {
      at++;
      continue;
    }
    const char mark = part[at];
    const size_t end = std::min(part.find_first_not_of(mark, at), part.size());
    const size_t most = mark == '.' ? 1 : mark == '_' ? 2 : mark == '-' ? part.size() : 0;
    if (end - at > most || !small(part[end])) return false;
    at = end;
  }
  return true;
}

bool is_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > kMaxTag || tag[0] == '.' || tag[0] == '-') return false;
  return std::all_of(tag.begin(), tag.end(), [](char c) {
    return small(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
  });
}

bool is_digest(std::string_view digest) {
  if (digest.starts_with("sha256:")) return digest.size() == 7 + 64 && hex(digest.substr(7));
  return digest.starts_with("sha512:") && digest.size() == 7 + 128 && hex(digest.substr(7));
}

bool is_port(std::string_view port) {
  if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), digit)) return false;
  const int value = std::stoi(std::string(port));
  return value >= 1 && value <= 65535;
}

bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.find(':') != std::string_view::npos &&
           std::all_of(host.begin() + 1, host.end() - 1,
                       [](char c) { return digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; });
  if (host.empty() || host.size() > kMaxHost) return false;
  for (size_t from = 0; from <= host.size();) {
    const size_t end = std::min(host.find('.', from), host.size());
    const auto label = host.substr(from, end - from);
    if (label.empty() || !small(label.front()) || !small(label.back())) return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return small(c) || c == '-'; })) return false;
    from = end + 1;
  }
  return true;
}

Error refused(std::string_view text, std::string_view why) {
  return {"E_IMAGE_POLICY", "the image \"" + shown(text) + "\" " + std::string(why)};
}

bool names_registry(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

bool is_repository(std::string_view path) {
  if (path.size() > kMaxRepository) return false;
  for (size_t from = 0; from <= path.size();) {
    const size_t end = std::min(path.find('/', from), path.size());
    if (!is_component(path.substr(from, end - from))) return false;
    from = end + 1;
  }
  return true;
}

}  // namespace

std::string Image::full() const {
  std::string text = registry + '/' + repository;
  if (!tag.empty()) text += ':' + tag;
  if (!digest.empty()) text += '@' + digest;
  return text;
}

std::string Image::pinned(std::string_view by) const {
  return registry + '/' + repository + '@' + std::string(by);
}

bool is_registry(std::string_view text) {
  const size_t colon = text.find(':', text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0);
  if (colon == std::string_view::npos) return is_host(text);
  return is_host(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

Result<Image> parse_image(std::string_view text) {
  if (text.empty()) return refused(text, "is empty");
  if (text.size() > kMaxImage) return refused(text, "is longer than " + std::to_string(kMaxImage) + " bytes");
  Image image;
  auto rest = text;
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    image.digest = rest.substr(at + 1);
    if (!is_digest(image.digest)) return refused(text, "has a digest that is not sha256: and 64 hex digits");
    rest = rest.substr(0, at);
  }
  const size_t slash = rest.find('/');
  const bool single = slash == std::string_view::npos;
  if (!single && names_registry(rest.substr(0, slash))) {
    image.registry = lower_case(rest.substr(0, slash));
    if (!is_registry(image.registry)) return refused(text, "has a registry that is not host or host:port");
    rest = rest.substr(slash + 1);
  }
  if (const size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    image.tag = rest.substr(colon + 1);
    if (!is_tag(image.tag)) return refused(text, "has a tag that is not one");
    rest = rest.substr(0, colon);
  }
  image.repository = rest;
  if (!is_repository(rest)) return refused(text, "has a name that is not lower-case parts between slashes");
  if (image.registry == "index.docker.io") image.registry = kDefaultHub;
  if (image.registry.empty()) image.registry = kDefaultHub;
  if (image.registry != kDefaultHub || image.repository.find('/') != std::string::npos) return image;
  if (rest.size() == kHexOfId && hex(rest)) return refused(text, "is an id; name the image instead");
  image.repository.insert(0, "library/");
  return image;
}

Result<std::string> digest_from_inspect(std::string_view json, const Image& image) {
  const auto parsed = parse_json(json);
  if (!parsed) return Error{"E_OCI", "image inspect printed no JSON: " + parsed.error().detail};
  const Json& told = parsed->is_array() && !parsed->empty() ? parsed->front() : *parsed;
  if (told.is_object()) {
    if (const auto own = told.find("Digest");
        own != told.end() && own->is_string() && is_digest(own->get<std::string>()))
      return own->get<std::string>();
    std::string any;
    const auto listed = told.find("RepoDigests");
    if (listed != told.end() && listed->is_array())
      for (const auto& entry : *listed) {
        if (!entry.is_string()) continue;
        const auto read = parse_image(entry.get<std::string>());
        if (!read || read->digest.empty()) continue;
        if (read->registry == image.registry && read->repository == image.repository) return read->digest;
        if (any.empty()) any = read->digest;
      }
    if (!any.empty()) return any;
  }
  return Error{"E_OCI", "the image " + image.full() + " has no digest"};
}

}  // namespace muster::jobs
