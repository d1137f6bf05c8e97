# make          builds build/ngx_http_jamhook_module.so for this machine's nginx,
#               and the command line build/jamhook
# make run      builds, starts nginx and a stand-in for Intercom, sends an event
# make stop     ends them
# make test     runs all tests        make unit, make blocks, make check: parts
# make san      all blocks with address and undefined behaviour sanitizers
# make palloc   all blocks with an nginx built from source for finding overruns
# make hup      all blocks, each by a reload of the nginx of the one before
# make valgrind all blocks under valgrind (slow)
# make lint     static analysis: clang-tidy, cppcheck, gcc -fanalyzer (minutes)
# make fuzz     feeds what reads outside bytes with millions of inputs
# make matrix   builds and tests on Debian 12, 13 and unstable, each in a chroot
#               (as root)
# make torture  events while processes are killed and targets fail: is any lost?
# make torture-nodes      the same with two nodes, PostgreSQL and a standby
# make alloc    memory runs out at each allocation in turn: is all well then?
# make soak     mixed load with faults for minutes, or hours: does anything grow?
# make bench    measures against lua-nginx, njs, Node and a bare proxy_pass, the
#               portal's calls, and SQLite beside PostgreSQL; its report is
#               build/bench/report.md
# make figures  puts build/bench/report.md's figures into README.md, where there
#               is one, and takes its pictures of the portal anew: t/figures
# make profile  where the time of an event goes: instructions by function, and
#               system calls, of jamhook and of a bare proxy_pass
# make static   builds build/static/nginx with the module inside
# make deb      makes Debian packages in build/deb
# make deb-test the same, and lintian; and their life in a clean Debian 12, from
#               installation to purge (as root)
# make source-test   builds in nginx's own tree, as the README says
# make install  puts the module where this machine's nginx looks for it, and the
#               command line and its manual page below PREFIX
# make page     makes src/front/ngx_http_jamhook_page.c of src/front/page
# make clean    removes build/
#
# Each sets up what it needs first (t/tools/deps.sh). Variables:
#
#   NGINX_SRC=dir     build against this plain nginx source tree
#   NGINX_CONF=...    more options for nginx's configure
#   CC, CFLAGS, LDFLAGS, WERROR=1
#   PORT, STANDIN_PORT      of make run
#   T=t/10-x/001-y.t        of make blocks, hup, san ...: these tests; of make
#                           lint: these C files
#   LINT=cppcheck           of make lint: these tools alone
#   MATRIX="bookworm trixie sid", PARTS="check unit plain hup palloc static"
#                           of make matrix
#   SECONDS_=60, RATE=80, WORKERS=4, SEED=n, FAULTS=slow|hard|none, SHOW=1
#                           of make torture; the first two, WORKERS, SEED and
#                           SHOW of make torture-nodes
#   EVERY=1, SCENARIO=..., SHOW=1
#                           of make alloc: see t/alloc/alloc.pl
#   MINUTES=5               of make soak, and RATE, WORKERS, SEED and SHOW
#   QUICK=1                 of make bench: the short form; of make figures: takes
#                           its figures too
#   RIVALS=--quick ...      of make bench: options of t/bench/rivals.pl
#   FUZZ_SECONDS=60, FUZZ="json uri"
#                           of make fuzz: for each harness; these alone
#   DURABLE=--quick ...     of make bench: options of t/bench/durable.pl
#   PORTAL=--quick ...      of make bench: options of t/bench/portal.pl
#   NODES_BENCH=--quick ... of make bench: options of t/bench/nodes.pl
#   PROFILE=--quick ...     of make profile: options of t/bench/profile.pl
#   DEB_VERSION, DEBFULLNAME, DEBEMAIL, DEB_BUILD_OPTIONS  of make deb
#   DESTDIR, MODULES_DIR, ETC_DIR, PREFIX=/usr/local  of make install

SHELL = /bin/bash

export NGINX_SRC NGINX_CONF CC CFLAGS LDFLAGS WERROR PORT STANDIN_PORT T
export DESTDIR MODULES_DIR ETC_DIR PREFIX
export FUZZ_SECONDS FUZZ
export SECONDS_ MINUTES RATE WORKERS SEED FAULTS SHOW
export MATRIX PARTS EVERY SCENARIO
export QUICK RIVALS DURABLE PORTAL NODES_BENCH

TOOLS = t/tools

TESTS = test unit blocks check hup san palloc valgrind

.PHONY: all run stop $(TESTS) lint fuzz matrix torture torture-nodes alloc \
        soak bench figures profile static deb deb-test source-test install \
        page clean

all:
	@$(TOOLS)/deps.sh build
	@$(TOOLS)/build.sh module build
	@$(TOOLS)/tool.sh build

run:
	@$(TOOLS)/deps.sh build run
	@$(TOOLS)/build.sh module build
	@$(TOOLS)/tool.sh build
	@$(TOOLS)/run.sh

stop:
	@$(TOOLS)/stop.sh

$(TESTS):
	@$(TOOLS)/deps.sh build test source $(filter valgrind,$@)
	@$(TOOLS)/test.sh $@

lint:
	@$(TOOLS)/deps.sh build lint
	@$(TOOLS)/lint.sh $(LINT)

fuzz:
	@$(TOOLS)/deps.sh build source fuzz
	@$(TOOLS)/source.sh > /dev/null || :
	@$(TOOLS)/build.sh module build
	@$(TOOLS)/fuzz.sh build/fuzz
	@t/fuzz/run.sh build/fuzz

matrix:
	@$(TOOLS)/matrix.sh

torture:
	@$(TOOLS)/deps.sh build test
	@$(TOOLS)/build.sh module build
	@t/torture/torture.pl

torture-nodes:
	@$(TOOLS)/deps.sh build test
	@$(TOOLS)/build.sh module build
	@t/torture/nodes.pl

alloc:
	@$(TOOLS)/deps.sh build test source
	@T=t/90-torture/040-alloc.t EVERY="$${EVERY:-1}" $(TOOLS)/test.sh palloc

soak:
	@$(TOOLS)/deps.sh build test
	@$(TOOLS)/build.sh module build
	@t/torture/soak.pl

bench:
	@$(TOOLS)/deps.sh build bench
	@$(TOOLS)/build.sh module build
	@t/bench/report.pl

figures:
	@$(TOOLS)/deps.sh build figures
	@$(TOOLS)/build.sh module build
	@t/figures/numbers.pl
	@t/figures/portal.pl

profile:
	@$(TOOLS)/deps.sh build profile source
	@src=$$($(TOOLS)/source.sh) && \
	    NGINX_SRC=$$src $(TOOLS)/build.sh static build/profile
	@t/bench/profile.pl --nginx $(CURDIR)/build/profile/nginx $(PROFILE)

static:
	@$(TOOLS)/deps.sh build source
	@src=$$($(TOOLS)/source.sh) && \
	    NGINX_SRC=$$src $(TOOLS)/build.sh static build/static

deb:
	@$(TOOLS)/deps.sh build deb
	@$(TOOLS)/deb.sh

deb-test:
	@$(TOOLS)/deps.sh build deb chroot
	@t/packages/deb.sh

source-test:
	@$(TOOLS)/deps.sh build source
	@t/packages/source.pl

install: all
	@$(TOOLS)/install.sh

page:
	@$(TOOLS)/deps.sh page
	@$(TOOLS)/page.sh src/front/ngx_http_jamhook_page.c

clean:
	@$(TOOLS)/stop.sh
	rm -rf build t/servroot*
