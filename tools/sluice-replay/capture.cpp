#include "tools/sluice-replay/capture.h"

#include <array>
#include <cstring>
#include <pcap/pcap.h>

#include "dataplane/packet/bytes.h"

namespace sluice::replay {
namespace {

constexpr std::size_t kEthernetOctets = 14;
constexpr std::size_t kAnswerRoom = 1024;  // an answer is never longer than this
constexpr int kSnapLength = 262144;

std::uint16_t ethertype_of_version(std::uint8_t first) { return first >> 4 == 6 ? 0x86dd : 0x0800; }

// Where the packet starts in a record of netfilter's log: attributes of length, type and value, in
// the byte order of the machine that wrote them. 0 where there is none.
std::size_t nflog_payload(std::span<const std::uint8_t> bytes) {
  constexpr std::uint16_t kPayload = 9;
  for (std::size_t at = 4; at + 4 <= bytes.size();) {
    const unsigned length = bytes[at] | unsigned{bytes[at + 1]} << 8;
    const unsigned type = bytes[at + 2] | unsigned{bytes[at + 3]} << 8;
    if ((type & 0x7fff) == kPayload) return at + 4 < bytes.size() ? at + 4 : 0;
    if (length < 4) return 0;
    at += (length + 3) / 4 * 4;
  }
  return 0;
}

}  // namespace

void Reader::Close::operator()(pcap* handle) const { pcap_close(handle); }
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::filesystem::path& file) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Reader reader;
  reader.file_ = file.string();
  reader.handle_.reset(pcap_open_offline(file.c_str(), error.data()));
  if (!reader.handle_) {
    return fail(std::string("cannot read the capture: ") + error.data(), file.string(),
                "give a pcap or pcapng file");
  }
  reader.link_type_ = pcap_datalink(reader.handle_.get());
  switch (reader.link_type_) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_PPP:
    case DLT_NFLOG:
      return reader;
    default:
      break;
  }
  const char* name = pcap_datalink_val_to_name(reader.link_type_);
  return fail("link type " + std::to_string(reader.link_type_) + " (" +
                  (name != nullptr ? name : "unknown") + ") is not supported",
              file.string(), "capture Ethernet, raw IP, PPP, Linux cooked, NFLOG or null");
}

// The ethertype of what follows the link header of `octets`; nullopt where the packet ends inside.
std::optional<std::uint16_t> Reader::link_header(std::span<const std::uint8_t> bytes,
                                                 std::size_t& octets) const {
  switch (link_type_) {
    case DLT_PPP: {
      // RFC 1661 2, behind HDLC-like framing (RFC 1662 3.1) or not.
      octets = bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] == 0x03 ? 4 : 2;
      if (bytes.size() < octets) return std::nullopt;
      const std::uint16_t protocol = packet::load16(&bytes[octets - 2]);
      if (protocol == 0x0021) return 0x0800;
      return protocol == 0x0057 ? std::optional<std::uint16_t>(0x86dd) : std::nullopt;
    }
    case DLT_NFLOG:
      octets = nflog_payload(bytes);
      if (octets == 0) return std::nullopt;
      break;
    case DLT_LINUX_SLL:
      octets = 16;
      if (bytes.size() < octets) return std::nullopt;
      return packet::load16(&bytes[14]);
    case DLT_LINUX_SLL2:
      octets = 20;
      if (bytes.size() < octets) return std::nullopt;
      return packet::load16(&bytes[0]);
    case DLT_NULL:
    case DLT_LOOP:
      // The address family differs between systems and byte orders; the version nibble does not.
      octets = 4;
      break;
    default:
      octets = 0;
      break;
  }
  if (bytes.size() <= octets) return std::nullopt;
  return ethertype_of_version(bytes[octets]);
}

Result<std::optional<Captured>> Reader::next() {
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* data = nullptr;
  const int code = pcap_next_ex(handle_.get(), &header, &data);
  if (code == PCAP_ERROR_BREAK) return std::optional<Captured>();
  if (code != 1) {
    return fail(std::string("the capture breaks off: ") + pcap_geterr(handle_.get()),
                file_ + ": after packet " + std::to_string(count_),
                "what came before it was judged");
  }
  Captured packet;
  packet.number = ++count_;
  packet.time = header->ts;
  packet.snapped = header->caplen < header->len;
  packet.original.assign(data, data + header->caplen);
  if (link_type_ == DLT_EN10MB) {
    packet.ethernet = packet.original;
  } else {
    std::size_t octets = 0;
    packet.ethernet.resize(kEthernetOctets);
    if (const auto ethertype = link_header(packet.original, octets)) {
      packet::store16(&packet.ethernet[12], *ethertype);
      packet.ethernet.insert(packet.ethernet.end(),
                             packet.original.begin() + static_cast<long>(octets),
                             packet.original.end());
    }
  }
  packet.ethernet_length = static_cast<std::uint32_t>(packet.ethernet.size());
  packet.ethernet.resize(packet.ethernet.size() + kAnswerRoom);
  return std::optional(std::move(packet));
}

void Writer::Close::operator()(pcap* handle) const { pcap_close(handle); }
void Writer::Close::operator()(pcap_dumper* dumper) const { pcap_dump_close(dumper); }
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::filesystem::path& file, int link_type) {
  Writer writer;
  writer.file_ = file.string();
  writer.link_type_ = link_type;
  writer.handle_.reset(pcap_open_dead(link_type, kSnapLength));
  writer.dumper_.reset(pcap_dump_open(writer.handle_.get(), file.c_str()));
  if (!writer.dumper_) {
    return fail(std::string("cannot create: ") + pcap_geterr(writer.handle_.get()), file.string());
  }
  return writer;
}

void Writer::write(const timeval& time, std::span<const std::uint8_t> bytes) {
  const auto size = static_cast<bpf_u_int32>(bytes.size());
  const pcap_pkthdr header{time, size, size};
  pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header, bytes.data());
}

void Writer::write_original(const Captured& packet) { write(packet.time, packet.original); }

void Writer::write_made(const Captured& cause, std::span<const std::uint8_t> ethernet) {
  if (link_type_ == DLT_EN10MB) return write(cause.time, ethernet);
  const std::size_t link = cause.original.size() - (cause.ethernet_length - kEthernetOctets);
  std::vector<std::uint8_t> bytes(cause.original.begin(),
                                  cause.original.begin() + static_cast<long>(link));
  bytes.insert(bytes.end(), ethernet.begin() + kEthernetOctets, ethernet.end());
  write(cause.time, bytes);
}

Status Writer::close() {
  const bool flushed = pcap_dump_flush(dumper_.get()) == 0;
  dumper_.reset();
  if (!flushed) return fail("cannot write all of it", file_, "free some disk space");
  return {};
}

}  // namespace sluice::replay
