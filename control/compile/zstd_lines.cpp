#include "control/compile/zstd_lines.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>
#include <zstd.h>

#include "control/tuf/digest.h"

namespace sluice::compile {
namespace {

// Of a list of 5 million names level 9 makes 4 % less in six times the time.
constexpr int kLevel = 3;

struct StreamFree {
  void operator()(ZSTD_DCtx* stream) const { ZSTD_freeDCtx(stream); }
};
struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct ContextFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

struct ZstdLines::State {
  std::string label;
  std::uint64_t max_octets = 0;
  std::size_t max_line = 0;
  std::unique_ptr<std::FILE, FileClose> file;
  std::unique_ptr<ZSTD_DCtx, StreamFree> stream;
  std::vector<char> packed = std::vector<char>(ZSTD_DStreamInSize());
  ZSTD_inBuffer input{packed.data(), 0, 0};
  std::vector<char> plain = std::vector<char>(ZSTD_DStreamOutSize());
  std::size_t plain_at = 0;
  std::size_t plain_end = 0;
  std::size_t more = 1;  // ZSTD_decompressStream's hint: 0 when a frame is complete
  std::string partial;   // the start of a line that crosses two pieces
  std::uint64_t total = 0;
  std::uint64_t line = 0;
  Hashed hashed = Hashed::content;
  tuf::Sha256 hash;

  [[nodiscard]] tl::unexpected<Error> error(std::string what) const {
    return fail(std::move(what), label, "the list is refused; tell the authority");
  }

  /// Unpacks the next piece; false at the end of the file.
  Result<bool> fill() {
    plain_at = plain_end = 0;
    while (plain_end == 0) {
      if (input.pos == input.size) {
        const std::size_t n = std::fread(packed.data(), 1, packed.size(), file.get());
        if (n == 0 && std::ferror(file.get()) != 0) return error("cannot be read");
        if (n == 0 && more != 0) return error("is cut short inside its zstd frame");
        if (n == 0) return false;
        input = {packed.data(), n, 0};
        if (hashed == Hashed::packed) hash.add({packed.data(), n});
      }
      ZSTD_outBuffer output{plain.data(), plain.size(), 0};
      more = ZSTD_decompressStream(stream.get(), &output, &input);
      if (ZSTD_isError(more) != 0) {
        return error(std::string("is not sound zstd: ") + ZSTD_getErrorName(more));
      }
      plain_end = output.pos;
    }
    total += plain_end;
    if (total > max_octets) {
      return error("unpacks to more than the " + std::to_string(max_octets) +
                   " octets that its signed entry count allows");
    }
    if (hashed == Hashed::content) hash.add({plain.data(), plain_end});
    return true;
  }
};

ZstdLines::ZstdLines(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZstdLines::ZstdLines(ZstdLines&&) noexcept = default;
ZstdLines& ZstdLines::operator=(ZstdLines&&) noexcept = default;
ZstdLines::~ZstdLines() = default;

Result<ZstdLines> ZstdLines::open(const std::filesystem::path& path, std::string label,
                                  std::uint64_t max_octets, std::size_t max_line, Hashed hashed) {
  auto state = std::make_unique<State>();
  state->label = std::move(label);
  state->max_octets = max_octets;
  state->max_line = max_line;
  state->hashed = hashed;
  state->file.reset(std::fopen(path.c_str(), "rbe"));
  if (!state->file) {
    return fail(std::string("cannot be opened: ") + std::strerror(errno), path.string(),
                "pull the list again");
  }
  state->stream.reset(ZSTD_createDCtx());
  if (!state->stream) return fail("out of memory", path.string());
  ZSTD_DCtx_setParameter(state->stream.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  return ZstdLines(std::move(state));
}

Result<std::optional<std::string_view>> ZstdLines::next() {
  State& state = *state_;
  state.partial.clear();
  for (;;) {
    if (state.plain_at == state.plain_end) {
      auto filled = state.fill();
      if (!filled) return fail(filled.error());
      if (!*filled && state.partial.empty()) return std::nullopt;
      if (!*filled) {
        ++state.line;
        return state.error("is cut short: its last line has no line end");
      }
    }
    const std::string_view rest(state.plain.data() + state.plain_at,
                                state.plain_end - state.plain_at);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end);
    state.plain_at += piece.size() + (end == rest.npos ? 0 : 1);
    if (state.partial.size() + piece.size() > state.max_line) {
      ++state.line;
      return fail("a line is over " + std::to_string(state.max_line) + " octets", where(),
                  "the list is refused; tell the authority");
    }
    if (end == rest.npos) {
      state.partial.append(piece);
      continue;
    }
    ++state.line;
    if (state.partial.empty()) return piece;
    state.partial.append(piece);
    return std::string_view(state.partial);
  }
}

std::uint64_t ZstdLines::line() const { return state_->line; }

std::string ZstdLines::where(std::size_t column) const {
  std::string out = state_->label + ":" + std::to_string(state_->line);
  if (column != 0) out += ":" + std::to_string(column);
  return out;
}

std::string ZstdLines::content_sha256() { return state_->hash.finish(); }
std::string ZstdLines::packed_sha256() { return state_->hash.finish(); }

Result<std::string> zstd_pack(std::string_view bytes) {
  const std::unique_ptr<ZSTD_CCtx, ContextFree> context(ZSTD_createCCtx());
  if (!context) return fail("out of memory");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0) return fail(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace sluice::compile
