// Frames of an entry.
#include "events/log/entry.hpp"

namespace muster::log {
namespace {

void put_little_endian(std::string& out, size_t n, int bytes) {
  for (int i = 0; i < bytes; i++) out += static_cast<char>(n >> (8 * i) & 0xff);
}

}  // namespace

EntryWriter::EntryWriter() : out_(1, '\1') {}

void EntryWriter::event(std::string_view stream, std::string_view suffix) {
  out_ += static_cast<char>(Frame::event);
  put_little_endian(out_, 2 + stream.size() + suffix.size(), 4);
  put_little_endian(out_, stream.size(), 2);
  out_ += stream;
  out_ += suffix;
}

void EntryWriter::frame(Frame kind, std::string_view bytes) {
  out_ += static_cast<char>(kind);
  put_little_endian(out_, bytes.size(), 4);
  out_ += bytes;
}

std::string EntryWriter::take() {
  std::string entry(1, '\1');
  entry.reserve(out_.size());  // The next one is most likely as large.
  entry.swap(out_);
  return entry;
}

Result<EntryEvent> read_event_frame(std::string_view bytes) {
  if (bytes.size() < 2) return Error{"log.corrupt", "an event frame is cut off", {}};
  const size_t size = static_cast<uint8_t>(bytes[0]) | static_cast<size_t>(static_cast<uint8_t>(bytes[1]))
                                                         << 8;
  if (bytes.size() - 2 < size) return Error{"log.corrupt", "an event frame is cut off", {}};
  return EntryEvent{bytes.substr(2, size), bytes.substr(2 + size)};
}

}  // namespace muster::log
