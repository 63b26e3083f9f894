// Typed access to JSON objects that reports instead of throwing.
#include "domain/object_reader.hpp"

#include <algorithm>

#include "base/nearest.hpp"

namespace muster {
namespace {

const Json kNoArray = Json::array();

/// Enough of a foreign key to recognise it in a message.
std::string shown(std::string_view key) {
  return key.size() <= 64 ? std::string(key) : std::string(key.substr(0, 61)) + "...";
}

}  // namespace

ObjectReader::ObjectReader(const Json& value, std::string pointer, names::Check& errors, TextFrom text)
  : value_(&value), pointer_(std::move(pointer)), errors_(&errors), text_(text) {
  if (!value.is_object()) errors_->fault(pointer_, "must be an object");
}

void ObjectReader::complain(std::string_view key, std::string message) {
  errors_->fault(names::pointer_to(pointer_, key), std::move(message));
}

const Json* ObjectReader::any(std::string_view key, Need need) {
  known_.push_back(key);
  if (!value_->is_object()) return nullptr;
  const auto found = value_->find(key);
  if (found != value_->end() && !found->is_null()) return &*found;
  if (need == Need::required) complain(key, "is required");
  return nullptr;
}

std::optional<std::string> ObjectReader::as_text(const Json& value, std::string pointer, size_t max) {
  std::string text;
  if (value.is_string()) {
    text = value.get_ref<const std::string&>();
  } else if (text_ == TextFrom::scalars && (value.is_number_integer() || value.is_boolean())) {
    text = value.dump();
  } else {
    errors_->fault(std::move(pointer), "must be a string");
    return std::nullopt;
  }
  if (text.size() > max) {
    errors_->fault(std::move(pointer), "is longer than " + std::to_string(max) + " bytes");
    return std::nullopt;
  }
  if (text.find('\0') != std::string::npos) {
    errors_->fault(std::move(pointer), "contains a NUL");
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> ObjectReader::text(std::string_view key, Need need, size_t max) {
  const Json* found = any(key, need);
  if (!found) return std::nullopt;
  auto text = as_text(*found, names::pointer_to(pointer_, key), max);
  if (text && text->empty() && need == Need::required) {
    complain(key, "must not be empty");
    return std::nullopt;
  }
  return text;
}

std::optional<int64_t> ObjectReader::integer(std::string_view key, int64_t min, int64_t max, Need need) {
  const Json* found = any(key, need);
  if (!found) return std::nullopt;
  const bool beyond = found->is_number_unsigned() && found->get<uint64_t>() > uint64_t{INT64_MAX};
  if (found->is_number_integer() && !beyond) {
    const auto value = found->get<int64_t>();
    if (value >= min && value <= max) return value;
  }
  complain(key, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<double> ObjectReader::number(std::string_view key) {
  const Json* found = any(key);
  if (!found) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  complain(key, "must be a number");
  return std::nullopt;
}

std::optional<bool> ObjectReader::flag(std::string_view key) {
  const Json* found = any(key);
  if (!found) return std::nullopt;
  if (found->is_boolean()) return found->get<bool>();
  complain(key, "must be true or false");
  return std::nullopt;
}

const Json* ObjectReader::object(std::string_view key, Need need) {
  const Json* found = any(key, need);
  if (!found || found->is_object()) return found;
  complain(key, "must be an object");
  return nullptr;
}

const Json& ObjectReader::array(std::string_view key, size_t max_items) {
  const Json* found = any(key);
  if (!found) return kNoArray;
  if (!found->is_array()) {
    complain(key, "must be an array");
    return kNoArray;
  }
  if (found->size() > max_items) {
    complain(key, "has more than " + std::to_string(max_items) + " entries");
    return kNoArray;
  }
  return *found;
}

std::vector<std::string> ObjectReader::texts(std::string_view key, size_t max_items) {
  std::vector<std::string> all;
  const Json& found = array(key, max_items);
  for (size_t i = 0; i < found.size(); i++)
    if (auto text =
          as_text(found[i], names::pointer_to(names::pointer_to(pointer_, key), i), names::kMaxText))
      all.push_back(std::move(*text));
  return all;
}

std::map<std::string, std::string> ObjectReader::text_map(std::string_view key) {
  std::map<std::string, std::string> all;
  const Json* found = object(key);
  if (!found) return all;
  if (found->size() > names::kMaxEntries) {
    complain(key, "has more than " + std::to_string(names::kMaxEntries) + " entries");
    return all;
  }
  const std::string at = names::pointer_to(pointer_, key);
  for (const auto& [name, value] : found->items()) {
    if (name.empty() || name.size() > names::kMaxText)
      errors_->fault(at,
                     "has a key that is empty or longer than " + std::to_string(names::kMaxText) + " bytes");
    else if (auto text = as_text(value, names::pointer_to(at, name), names::kMaxText))
      all.emplace(name, std::move(*text));
  }
  return all;
}

void ObjectReader::refuse_unknown() const {
  if (!value_->is_object()) return;
  for (const auto& item : value_->items()) {
    const std::string& key = item.key();
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    errors_->fault(names::pointer_to(pointer_, shown(key)),
                   "unknown key \"" + shown(key) + '"' + did_you_mean(key, known_));
  }
}

}  // namespace muster
