#include "dataplane/pipeline/pipeline.h"

#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"

namespace sluice::pipeline {
namespace {

using packet::FrameKind;
using stats::Id;
using stats::Stage;

}  // namespace

Pipeline::Pipeline(unsigned lcore, std::uint64_t secret, stats::Counters& counters,
                   stats::EventRing* events)
    : lcore_(lcore),
      secret_(secret),
      incidents_(secret, lcore),
      counters_(counters),
      events_(events),
      flows_(secret),
      passed_(secret),
      crypto_(inspect::quic::Crypto::create()) {}

Pipeline::~Pipeline() = default;

void Pipeline::process(const index::Snapshot& snapshot, std::span<Packet> packets,
                       std::uint64_t now_ms) {
  stats::StageClock& stages = counters_.stages();  // running since the burst was received
  snapshot_ = &snapshot;
  table_ = &snapshot.now();
  masks_ = table_->masks.data();
  now_ms_ = now_ms;
  ++burst_;
  packets_ = packets;
  found_ = 0;
  asked_ = 0;
  emitted_ = 0;
  messages_used_ = 0;
  closing_ = 0;
  let_through_ = 0;
  if (const std::uint32_t gone = flows_.age(now_ms); gone > 0)
    counters_.add(Id::flow_expired, gone);
  fragments_.begin_burst();
  parse(packets);
  stages.end(Stage::parse);
  classify(packets);
  if (snapshot.groups().names_hosts() && now_ms - sampled_ms_ >= kSampleMs) sample_uses();
  stages.end(Stage::classify);
  if (found_ > 0) {
    look_up();
    stages.end(Stage::look_up);
    decide();
    if (now_ms - passed_ms_ >= kPassedMs) [[unlikely]]
      note_passed();
    stages.end(Stage::decide);
    act(packets);
  }
  if (table_->any_refuses_unnamed) refuse_unnamed(packets);
  finish();
  stages.end(Stage::act);
}

void Pipeline::parse(std::span<Packet> packets) {
  for (Packet& packet : packets) {
    packet.fate = Fate::forward;
    packet.flow = nullptr;
    packet.pieced = false;
    packet.fragment = false;
    packet.view = {packet.data, packet.length};
    if (!packet.judge && !packet.answers) continue;
    packet::parse_frame(packet.view, packet.frame);
    if (packet.frame.kind == FrameKind::fragment) piece_together(packet);
    if (packet.frame.cut && !packet.snapped) packet.frame.kind = FrameKind::truncated;
    if (packet.judge) count_frame(packet.frame.kind);
    if (packet.frame.kind == FrameKind::tcp) begin_flow(packet);
  }
}

// Most segments are of no flow that is kept: what tells so is fetched while others are parsed. A
// client's bare acknowledgement is not asked about at all.
void Pipeline::begin_flow(Packet& packet) const {
  const std::uint8_t flags = packet.view[packet.frame.transport_offset + 13U];
  const bool bare =
      packet.frame.payload_length == 0 && (flags & (packet::kTcpSyn | packet::kTcpUrg)) == 0;
  if (bare && !packet.answers) return;
  packet.flow_hash = flow::hash(key_of(packet, !packet.judge), secret_);
  flows_.prefetch(packet.flow_hash);
  if (active_.any()) active_.prefetch(packet.flow_hash);
  if (packet.judge) syns_.prefetch(packet.flow_hash);
}

void Pipeline::piece_together(Packet& packet) {
  // No router and no receiver takes it: a part of a datagram that it surely is not.
  const packet::Frame& frame = packet.frame;
  if (!packet.trust_checksum && !frame.ipv6 &&
      !packet::has_good_ipv4_checksum(packet.view.subspan(
          frame.network_offset, std::size_t{frame.payload_offset} - frame.network_offset))) {
    return counters_.add(Id::fragment_bad_checksum);
  }
  using Result = flow::Fragments::Result;
  const auto datagram = fragments_.add(packet.view, packet.frame, packet.wire, now_ms_);
  packet.datagram = datagram.handle;
  switch (datagram.result) {
    case Result::incomplete:
      packet.fragment = true;
      return;
    case Result::too_large:
      return counters_.add(Id::fragment_too_large);
    case Result::table_full:
      return in_doubt(packet, Id::fragment_table_full);
    case Result::overlap:
      packet.fate = Fate::drop;
      return counters_.add(Id::fragment_overlap);
    case Result::blocked:
      packet.fate = Fate::drop;
      return counters_.add(Id::fragment_refused_again);
    case Result::complete:
      break;
  }
  counters_.add(Id::frame_fragment);
  counters_.add(Id::fragment_datagrams);
  packet.view = datagram.view;
  packet.pieced = true;
  packet.fragment = true;
  packet::parse_frame(packet.view, packet.frame);
}

void Pipeline::count_frame(FrameKind kind) {
  switch (kind) {
    case FrameKind::truncated:
      return counters_.add(Id::frame_truncated);
    case FrameKind::malformed_ip:
      return counters_.add(Id::frame_malformed_ip);
    case FrameKind::malformed_transport:
      return counters_.add(Id::frame_malformed_transport);
    case FrameKind::fragment:
      return counters_.add(Id::frame_fragment);
    case FrameKind::too_many_headers:
      return counters_.add(Id::frame_too_many_headers);
    case FrameKind::udp:
    case FrameKind::tcp:
    case FrameKind::not_ip:
    case FrameKind::other_protocol:
      return;
  }
}

void Pipeline::classify(std::span<Packet> packets) {
  for (Packet& packet : packets) {
    if ((!packet.judge && !packet.answers) || packet.fate != Fate::forward) continue;
    if (packet.frame.kind == FrameKind::udp) {
      find_in_udp(packet);
    } else if (packet.frame.kind == FrameKind::tcp) {
      if (packet.answers) from_server(packet);
      if (packet.judge && packet.fate == Fate::forward) from_client(packet);
    } else if (packet.judge && snapshot_->groups().names_hosts()) {
      read_claim(packet);
    }
  }
}

void Pipeline::look_up() {
  snapshot_->lookup(lcore_).find({names_.data(), found_}, {walks_.data(), found_},
                                 {answers_.data(), found_}, {entries_.data(), found_});
}

void Pipeline::decide() {
  if (asks_whose()) return decide_whose(true);
  const policy::Masks& masks = masks_[0];  // everybody's
  std::uint64_t unlisted = 0;              // most names
  std::uint64_t blocked = 0;
  for (std::size_t i = 0; i < found_; ++i) {
    const generation::Answer& answer = answers_[i];
    if (answer.matched_labels == 0) {
      ++unlisted;
      continue;
    }
    Finding& finding = findings_[i];
    finding.listed_labels = answer.matched_labels;
    if (answer.categories != 0) finding.group = 0;
    finding.verdict = policy::decide(answer, masks.blocked, masks.watched);
    if ((answer.categories & (masks.cut | masks.budgeted)) != 0) track(finding, answer, masks);
    if (finding.verdict.action == policy::Action::block) {
      ++blocked;
    } else {
      count_verdict(finding);
    }
  }
  counters_.add(Id::verdict_pass, unlisted);
  counters_.add(Id::verdict_block, blocked);
}

// One name of this burst that was asked for, from any place of it on.
void Pipeline::note_passed() {
  passed_ms_ = now_ms_;
  const std::size_t first = burst_ % found_;
  for (std::size_t i = 0; i < found_; ++i) {
    const std::size_t at = first + i < found_ ? first + i : first + i - found_;
    if (findings_[at].response || findings_[at].verdict.action == policy::Action::block) continue;
    return passed_.add(names_[at]);
  }
}

std::uint16_t Pipeline::group(const Finding& finding) const {
  if (finding.group != kNoGroup) return finding.group;
  // A frame that is an answer by now was refused for another of its names.
  for (const Finding& one : findings()) {
    if (one.packet == finding.packet && one.group != kNoGroup) return one.group;
  }
  return group_of(packets_[finding.packet], finding.response);
}

void Pipeline::count_verdict(const Finding& finding) {
  switch (finding.verdict.action) {
    case policy::Action::block:
      return counters_.add(Id::verdict_block);
    case policy::Action::log:
      return counters_.add(Id::verdict_log);
    case policy::Action::rewrite:
      if (finding.verdict.category != 0) counters_.add(Id::verdict_log);  // watched as well
      return counters_.add(Id::verdict_rewrite);
    case policy::Action::pass:
      return counters_.add(Id::verdict_pass);
  }
}

// A burst with more names than findings: of those so far, only what will be refused is kept, one of
// each frame.
void Pipeline::make_room() {
  look_up();
  decide_whose(false);  // counted below
  const std::size_t found = found_;
  std::size_t kept = 0;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < found; ++i) {
    Finding& finding = findings_[i];
    const bool matters = finding.verdict.action == policy::Action::block ||
                         finding.verdict.action == policy::Action::rewrite;
    const bool another = kept > 0 && findings_[kept - 1].packet == finding.packet;
    if (another && finding.verdict.action == policy::Action::block &&
        findings_[kept - 1].verdict.action != policy::Action::block) {
      // A refusal stands before what is only asked otherwise.
      count_verdict(findings_[--kept]);
      if (findings_[kept].protocol == stats::Protocol::dns) asked = findings_[kept].query;
    } else if (!matters || another) {
      count_verdict(finding);
      let_through_ |= std::uint32_t{1} << finding.packet;
      continue;
    }
    if (finding.protocol == stats::Protocol::dns) {
      asked_messages_[asked] = asked_messages_[finding.query];
      finding.query = static_cast<std::uint16_t>(asked++);
    }
    findings_[kept] = finding;
    names_[kept++] = names_[i];
    found_ = kept;
    begin_look_up();
  }
  found_ = kept;
  asked_ = asked;
}

void Pipeline::act(std::span<Packet> packets) {
  for (std::size_t i = 0; i < found_; ++i) {
    const policy::Verdict& verdict = findings_[i].verdict;
    if (verdict.category == 0 && verdict.action == policy::Action::pass) continue;
    if (verdict.action == policy::Action::rewrite) [[unlikely]] {
      rewrite(i);
    } else {
      refuse(i);
    }
  }
  // Frames of a flow or datagram that was refused within this burst were read before it was.
  for (Packet& packet : packets) {
    if (packet.fragment && packet.fate == Fate::forward &&
        fragments_.is_behind_refusal(packet.datagram, index_of(packet))) {
      packet.fate = Fate::drop;
      counters_.add(Id::fragment_refused_again);
      continue;
    }
    if (packet.has_flow() && packet.flow->state == flow::State::blocked && packet.judge &&
        packet.fate != Fate::drop && packet.flow->refused_at < &packet - packets.data()) {
      refuse_again(packet);
    }
  }
}

void Pipeline::finish() {
  for (std::size_t i = 0; i < closing_; ++i) {
    flow::Flow& flow = *to_close_[i];
    if (!flow.used || !flow.closing) continue;  // closed already, and perhaps another one's now
    flow.closing = false;
    if (flow.state != flow::State::blocked) flows_.close(flow);
  }
}

}  // namespace sluice::pipeline
