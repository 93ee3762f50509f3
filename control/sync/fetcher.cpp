#include "control/sync/fetcher.h"

#include <algorithm>
#include <random>

#include "control/sync/part_file.h"

namespace sluice::sync {
namespace {

// The slowest mean rate at which a whole list may still come.
constexpr std::uint64_t kSlowestMean = 10'000;
// Attempts of one pull at a download that each brought some more.
constexpr unsigned kMaxRounds = 10;
constexpr std::chrono::milliseconds kLongestPause{10'000};

tl::unexpected<Error> bad_status(long status, const std::string& url) {
  return fail("the mirror answers with status " + std::to_string(status), url);
}

}  // namespace

struct Fetcher::State {
  FetchOptions options;
  Http http;
  Validators* validators;
  std::mt19937 random{std::random_device{}()};
  std::optional<std::pair<std::string, Validators::One>> pending;  // of get_changed()
  std::function<bool()> interrupt;
  bool interrupted = false;

  void next_mirror() {
    std::rotate(options.base_urls.begin(), options.base_urls.begin() + 1, options.base_urls.end());
  }

  /// Asks one mirror after the other until one answers.
  template <class Ask>
  auto ask(const Ask& once) -> decltype(once(std::string())) {
    for (std::size_t tried = 1;; ++tried) {
      auto answer = once(options.base_urls.front());
      if (answer || interrupted || tried == options.base_urls.size()) return answer;
      next_mirror();
    }
  }

  Result<Changed> get_once(const std::string& url, std::uint64_t max_octets,
                           const Validators::One* known);
  Status download_once(const std::string& url, PartFile& part);
};

Result<Fetcher::Changed> Fetcher::State::get_once(const std::string& url, std::uint64_t max_octets,
                                                  const Validators::One* known) {
  std::string body;
  const HttpSink sink = [&](const HttpHead&, std::string_view bytes) {
    if (body.size() + bytes.size() > max_octets) return false;
    body.append(bytes);
    return true;
  };
  HttpRequest request{.url = url, .limit = options.metadata_timeout};
  if (known != nullptr) {
    request.etag = known->etag;
    // Where there is an ETag, a time says nothing more (RFC 9110 section 13.1.3).
    if (known->etag.empty()) request.last_modified = known->last_modified;
  }
  auto head =
      http.get(request, sink,
               "is longer than the " + std::to_string(max_octets) + " octets that it may have");
  if (!head) return fail(head.error());
  const bool lasts = !changed_just_now(*head);
  pending.emplace(url, Validators::One{.etag = lasts ? head->etag : "",
                                       .last_modified = lasts ? head->last_modified : "",
                                       .since = std::chrono::steady_clock::now()});
  if (head->status == 304 && known != nullptr) return Changed{.unchanged = true};
  if (head->status == 404 || head->status == 410) return Changed{};
  if (head->status != 200) return bad_status(head->status, url);
  return Changed{.bytes = std::move(body)};
}

/// One attempt; goes on where the part file ends.
Status Fetcher::State::download_once(const std::string& url, PartFile& part) {
  const std::uint64_t from = url.starts_with("file:") ? 0 : part.size();
  if (from == 0) {
    if (auto status = part.restart(); !status) return status;
  }
  bool first = true;
  Status written;
  const HttpSink sink = [&](const HttpHead& head, std::string_view bytes) {
    if (first) {
      first = false;
      // What is said of the range decides where the octets go; whether they are right is for the
      // hash of the whole.
      if (head.status == 200 && part.size() > 0) written = part.restart();
      if (head.status == 206 && (head.range_from != part.size() ||
                                 head.range_total.value_or(part.length()) != part.length())) {
        written = fail("answers with another part of the file than was asked for", url,
                       "nothing of it is used");
      }
    }
    if (written) written = part.add(bytes);
    return written.has_value();
  };
  const HttpRequest request{
      .url = url,
      .limit = std::chrono::seconds(60 + part.length() / kSlowestMean),
      .from = from,
      .give_up = [this] { return interrupted = interrupted || (interrupt && interrupt()); }};
  auto head = http.get(request, sink, "is not what was signed for");
  if (!written) {
    part.discard();
    return written;
  }
  if (part.size() == 0) part.discard();
  if (!head) return fail(head.error());  // what has come stays
  const bool good = head->status == 200 || (head->status == 206 && from > 0);
  if (!good) {
    // It is no beginning of the mirror's file, or the mirror sends what nobody asked for.
    if (head->status == 416 || head->status == 206) part.discard();
    if (head->status == 404 || head->status == 410) {
      return fail("the mirror has no such file", url, "it is asked again later");
    }
    return bad_status(head->status, url);
  }
  return part.finish(url);
}

Fetcher::Fetcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fetcher::Fetcher(Fetcher&&) noexcept = default;
Fetcher& Fetcher::operator=(Fetcher&&) noexcept = default;
Fetcher::~Fetcher() = default;

Result<Fetcher> Fetcher::create(FetchOptions options, Validators* validators) {
  if (options.base_urls.empty()) return fail("no mirror is named", "authority.url");
  for (std::string& url : options.base_urls) {
    if (!url.starts_with("https://") && !url.starts_with("file:///")) {
      return fail("the authority's URL is neither https:// nor file:///", url,
                  "write authority.url as https://lists.example/repo/");
    }
    if (!url.ends_with('/')) url.push_back('/');
  }
  auto http = Http::create(options.http);
  if (!http) return fail(http.error());
  auto state = std::make_unique<State>(State{std::move(options), std::move(*http), validators});
  std::shuffle(state->options.base_urls.begin(), state->options.base_urls.end(), state->random);
  return Fetcher(std::move(state));
}

const std::string& Fetcher::mirror() const { return state_->options.base_urls.front(); }
std::size_t Fetcher::mirrors() const { return state_->options.base_urls.size(); }
void Fetcher::interrupt_when(std::function<bool()> asked) { state_->interrupt = std::move(asked); }
bool Fetcher::interrupted() const { return state_->interrupted; }
void Fetcher::distrust() { state_->next_mirror(); }

Result<std::optional<std::string>> Fetcher::get(std::string_view path, std::uint64_t max_octets) {
  auto changed = state_->ask([&](const std::string& base) {
    return state_->get_once(base + std::string(path), max_octets, nullptr);
  });
  if (!changed) return fail(changed.error());
  return std::move(changed->bytes);
}

Result<Fetcher::Changed> Fetcher::get_changed(std::string_view path, std::uint64_t max_octets,
                                              std::uint64_t version) {
  return state_->ask([&](const std::string& base) {
    const std::string url = base + std::string(path);
    const Validators::One* known = nullptr;
    if (state_->validators != nullptr && version != 0) {
      const auto found = state_->validators->by_url.find(url);
      const bool usable =
          found != state_->validators->by_url.end() && found->second.version == version &&
          std::chrono::steady_clock::now() - found->second.since < kLongestConditional &&
          !(found->second.etag.empty() && found->second.last_modified.empty());
      if (usable) known = &found->second;
    }
    return state_->get_once(url, max_octets, known);
  });
}

void Fetcher::confirm(std::uint64_t version) {
  if (state_->validators == nullptr || !state_->pending) return;
  auto& [url, one] = *state_->pending;
  one.version = version;
  state_->validators->by_url[url] = std::move(one);
  state_->pending.reset();
}

Status Fetcher::download(std::string_view path, const std::filesystem::path& to,
                         std::uint64_t length, std::string_view sha256) {
  auto part = PartFile::open(to, length, sha256);
  if (!part) return fail(part.error());
  if (part->is_done()) return {};
  std::uniform_real_distribution<double> jitter(0.5, 1.5);
  auto pause = state_->options.first_pause;
  bool mended = false;
  for (unsigned round = 1;; ++round) {
    const std::uint64_t before = part->size();
    const Status status = state_->ask([&](const std::string& base) {
      return state_->download_once(base + std::string(path), *part);
    });
    if (status || state_->interrupted || part->fault() || round == kMaxRounds) return status;
    // What was put together was wrong: that may be the fault of what was there before.
    // Once: a mirror that lies about parts each time is for the next pull.
    const bool poisoned = !mended && before > 0 && part->size() == 0;
    mended = mended || poisoned;
    // Given up where a whole round has brought nothing: the rest is for the next pull.
    if (!poisoned && part->size() <= before) return status;
    const double milliseconds = static_cast<double>(pause.count()) * jitter(state_->random);
    state_->http.wait(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace sluice::sync
