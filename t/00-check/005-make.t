# make, make run, make stop, make install.

use strict;
use warnings;

use lib 't/lib';
use Cwd;
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use JSON::PP;
use Jamhook::Env;
use Test::More;
use Time::HiRes qw(time);

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL WERROR)};

my $module = 'build/ngx_http_jamhook_module.so';

my $said = `make 2>&1`;
is $?, 0, 'make' or diag $said;
ok -s $module, 'the module is there';
like `build/jamhook --version`, qr/^jamhook \d/, 'and so is the command line';

my $mtime = (stat $module)[9];
my $start = time;
$said = `make 2>&1`;
cmp_ok time - $start, '<', 10, 'a second make is quick';
is $said, '', 'and has nothing to say';
is +(stat $module)[9], $mtime, 'and builds nothing';

# make run, beside one that may be there

# in a clone that nothing was made in; here other tests use it
like `make -n run`, qr{/tool\.sh build$}m, 'make run builds the command line';

my $run = getcwd() . '/build/run-test';
remove_tree($run);

local @ENV{qw(RUN_DIR PORT STANDIN_PORT)} =
    ($run, Jamhook::Env::free_port(), Jamhook::Env::free_port());

for my $round (1, 2) {
    $said = `make run 2>&1`;
    is $?, 0, "make run, round $round" or diag $said;
    like $said, qr{^\s+POST /workflows/webhooks/\S+/215470686832743$}m,
         'shows the request';
    like $said, qr/^\s+webhook-signature: v1,/m, 'its signature';
    like $said, qr/^\s+\{"event":"intercom\.recorder\.recorded",
                   "payload":\{"conversationId":"215470686832743",.*\}\}$/mx,
         'its body';
    like $said, qr/"result":"stored"/, 'the answer';
    like $said, qr/jamhook delivered: target answered 200,/, 'the outcome';
    like $said, qr{^\s+http://127\.0\.0\.1:\d+/jamhook/$}m,
         'where the portal is';
    like $said, qr/make stop/, 'how to end it';
}

# the portal has one event that was delivered, and one that is being retried

my $portal = "http://127.0.0.1:$ENV{PORT}/jamhook/";
my $http = HTTP::Tiny->new(
    default_headers => { 'X-Jamhook-Request' => 1 });

sub retried {
    my $got = $http->get("${portal}api/events?limit=2");
    my ($second, $first) = @{ decode_json($got->{content})->{data} };
    return ($second->{deliveries}[0], $second->{id}, $first->{deliveries}[0]);
}

is $http->get($portal)->{status}, 200, 'the portal answers';

my ($second, $id, $first);

ok Jamhook::Env::wait_for(sub {
    ($second, $id, $first) = retried();
    return $second->{state} eq 'pending' && $second->{attempt_count} == 2;
}), 'the second event is being retried';

is $first->{state}, 'succeeded', 'the first was delivered';
is $http->post("${portal}api/events/$id/replay")->{content},
   '{"replayed":1}', 'a replay';
ok Jamhook::Env::wait_for(sub { +(retried())[0]{state} eq 'succeeded' }),
   'succeeds';

like $http->get("http://127.0.0.1:$ENV{PORT}/metrics")->{content},
     qr/^jamhook_events_total\{[^}]*result="stored"[^}]*\} \d+$/m, 'metrics';
like `build/jamhook -s $run/store status 2>&1`, qr/^fin\b/m,
     'the same in the terminal';

$said = `t/run/send.sh t/run/opted_out.json 2>&1`;
like $said, qr/"type":"intercom\.recorder\.opted_out".*\n200\n/,
     'nginx goes on serving';

$said = do {
    local $ENV{KEY} = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    `t/run/send.sh 2>&1`;
};
like $said, qr/"signature_invalid".*\n401\n/, 'a wrong key is refused';

# what is stored arrives in a moment
my $came = sub {
    return scalar(() = Jamhook::Env::slurp("$run/requests.json")
                       =~ m{"path":"[^"]*/215470686832743"}g);
};
Jamhook::Env::wait_for(sub { $came->() >= 3 });
is $came->(), 3,
   'three events reached the stand-in';

$said = do {
    local @ENV{qw(RUN_DIR STANDIN_PORT)} = ("$run-2", Jamhook::Env::free_port());
    `make run 2>&1`;
};
isnt $?, 0, 'a port that is taken';
like $said, qr/port \d+ is taken/, 'says so';

$said = `make stop 2>&1`;
is $?, 0, 'make stop';
like $said, qr/stopped nginx/, 'ends nginx';
like $said, qr/stopped the stand-in/, 'and the stand-in';

$said = `make stop 2>&1`;
is "$?$said", '0', 'a second one has nothing to do';

my @bad = grep { /\[(?:warn|error|crit|alert|emerg)\]/
                 && !/rejected: signature_invalid/
                 && !/delivery failed: target answered 503,/ }
          split /\n/, Jamhook::Env::slurp("$run/error.log");
is scalar @bad, 0, 'nothing else in the error log' or diag join "\n", @bad;

# make install

my $dest = getcwd() . '/build/install-test';
remove_tree($dest);
$said = `make install DESTDIR=$dest 2>&1`;
is $?, 0, 'make install' or diag $said;

my ($so) = $said =~ /^(\S+\.so)$/m;
ok $so && -s $so, 'the module is where nginx looks';

my ($tool) = $said =~ m{^(\S+/bin/jamhook)$}m;
like `$tool --version`, qr/^jamhook \d/, 'and so is the command line';
ok +(grep { -s } $said =~ m{^(\S+/man1/jamhook\.1)$}mg), 'with its page';

SKIP: {
    my ($conf) = $said =~ /^(\S+mod-http-jamhook\.conf)$/m;
    skip 'nginx has no modules-enabled here', 1 unless $conf;
    like Jamhook::Env::slurp($conf), qr/^load_module \S+jamhook_module\.so;$/,
         'and so is its load_module line';
}

# the example, with files of its own

my ($example) = $said =~ /^(\S+example\.conf)$/m;
my $text = Jamhook::Env::slurp($example || '/dev/null');
my $keys = "$dest/keys";
my ($crt, $key) = Jamhook::Env::certificate();

Jamhook::Env::write_file("$keys/jam.key", "whsec_" . 'A' x 42 . "A=\n");
Jamhook::Env::write_file("$keys/fin.key", "whsec_" . 'B' x 42 . "A=\n");
Jamhook::Env::write_file("$keys/fin.url",
                         "proxy_pass https://127.0.0.1/workflows/x;\n");

$text =~ s{/\S+/hooks\.pem}{$crt};
$text =~ s{/\S+/hooks\.key}{$key};
$text =~ s{/\S+/jamhook/(?=(?:jam|fin)\.)}{$keys/}g;
$text =~ s{(?<=sqlite:)[^\s;]+}{$dest/store};
$text =~ s{listen\s+443}{listen 127.0.0.1:$ENV{PORT}};

Jamhook::Env::write_file("$dest/nginx.conf",
    "load_module $so;\npid $dest/nginx.pid;\nevents { }\nhttp {\n"
    . join('', map { "${_}_temp_path $dest/temp-$_;\n" }
               qw(client_body proxy fastcgi uwsgi scgi)) . "$text\n}\n");

$said = `$Jamhook::Env::NGINX -t -e stderr -c $dest/nginx.conf 2>&1`;
is $?, 0, 'the example is a good configuration' or diag $said;
unlike $said, qr/\[warn\]/, 'without a warning' or diag $said;

done_testing;
