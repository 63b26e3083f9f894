// Checkpoints that the lines of a snapshot tell of: who has them need not fold these lines. Any peer's will
// do, as the log says what they are; without them it only takes longer.
#include "consensus/replica_impl.hpp"

namespace muster::consensus {
namespace {

constexpr uint64_t kPatienceMs = 500;  // Without progress; then another peer is asked.
constexpr unsigned kTries = 3;         // Of these; then it goes on without.

}  // namespace

bool Replica::Impl::has_copies() const {
  return !wanted || fetching.copy_tries > kTries || !machine.missing_copy() ||
         (fetching.peer != 0 && !outside.knows_rows(fetching.peer));
}

void Replica::Impl::ask_for_copy() {
  outside.send(fetching.peer, encode_copy_fetch(*machine.missing_copy()));
}

void Replica::Impl::serve_copy(MemberId to, uint64_t at) {
  Copy copy{machine.copy_of(at), {}};
  const auto bytes =
    copy.copy.size == 0 ? std::string{} : machine.checkpoint_piece(at, copy.copy.digest, 0, kMaxPiece);
  if (bytes.empty() || copy.copy.size > kMaxCheckpoint) copy.copy.size = 0;
  if (copy.copy.size != 0) copy.bytes = bytes;
  outside.send(to, encode_copy(copy));
}

void Replica::Impl::hear_copy(MemberId from, std::string_view frame) {
  const auto copy = decode_copy(frame);
  if (!copy || !installing || !wanted || broken || !has_lines() || has_copies() || fetching.copy) return;
  if (copy->copy.at != machine.missing_copy()) return;
  fetching.copy = copy->copy;
  fetching.bytes.clear();
  grow_copy(from, copy->bytes);
}

void Replica::Impl::hear_copy_piece(MemberId from, const Piece& piece) {
  if (!installing || !wanted || broken) return;
  if (piece.at == fetching.copy->at && piece.offset == fetching.bytes.size()) grow_copy(from, piece.bytes);
}

/// The copy's next bytes; with the last ones it is done, and something else is asked for.
void Replica::Impl::grow_copy(MemberId from, std::string_view bytes) {
  const auto copy = *fetching.copy;
  if (bytes.size() > copy.size - fetching.bytes.size()) return;
  fetching.bytes.append(bytes);
  fetching.peer = from;
  fetching.anew_at_ms = outside.now_ms() + kPatienceMs;
  if (fetching.bytes.size() < copy.size)
    return outside.send(from, encode_piece_fetch({copy.at, copy.digest, fetching.bytes.size()}));
  fetching.copy.reset();
  const auto whole_copy = std::exchange(fetching.bytes, {});
  log::Batch batch;
  machine.take_copy(copy.at, sha256(whole_copy) == copy.digest ? whole_copy : std::string_view{}, batch);
  if (!batch.empty())
    if (auto written = disk.write(batch, false); !written) return fail(written.error()), settle();
  if (!whole()) return ask();
  finish_install();
  settle();
}

}  // namespace muster::consensus
