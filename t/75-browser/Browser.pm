package Browser;

# The portal's page in a real browser: what the tests of this room share.
#
#   my $nginx = Jamhook::Nginx->new(...);
#   browse('look', $nginx, tell => { ids => \%ids }, can => {
#       send => sub { my ($ask) = @_; ...; return { ... } },
#   });
#
# runs t/browser/look.mjs with Node.  That program drives Chromium, and says
# each check that it made; it is told "tell" with the portal's address, and may
# ask for what only this side can do: "can", by name.  Each line between the two
# is one JSON object:
#
#   to Node      what it is told, once; then an answer to each question
#   from Node    {"ok": true, "name": "..."}, {"note": "..."} or
#                {"ask": "send", "with": {...}}
#
# What the program needs from npm lies in build/browser, with a copy of the
# programs; screenshots in build/browser/shots: of each step that fails, and
# with SHOTS=1 of all.

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(:flock);
use File::Copy qw(copy);
use File::Path qw(make_path);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;

use Jamhook::Nginx ();

# what a page says is not ASCII alone
binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

our @EXPORT = qw(browse shop recorded body event);

my $DIR = "$Jamhook::Env::TOP/build/browser";
my $SOURCE = "$Jamhook::Env::TOP/t/browser";
my $SECONDS = 120;

my $json = JSON::PP->new->utf8->canonical;


# What the lock file names, once for all tests: the files of this room may run
# at the same time.
sub install {
    make_path("$DIR/shots");
    open my $lock, '>', "$DIR/lock" or die "$DIR/lock: $!";
    flock $lock, LOCK_EX or die $!;

    my $there = join '', map { Jamhook::Env::slurp("$DIR/$_") }
                qw(package.json package-lock.json);
    my $want = join '', map { Jamhook::Env::slurp("$SOURCE/$_") }
               qw(package.json package-lock.json);
    my $said = '';

    if ($there ne $want || !-e "$DIR/node_modules/.package-lock.json") {
        copy("$SOURCE/$_", "$DIR/$_") or die "$_: $!"
            for qw(package.json package-lock.json .npmrc);

        $said = `cd $DIR && npm ci --ignore-scripts --no-audit --no-fund 2>&1`;

        if ($?) {
            unlink "$DIR/package.json";
            return $said || 'npm cannot be run';
        }
    }

    for my $file (glob "$SOURCE/*.mjs") {
        my ($name) = $file =~ m{([^/]+)$};

        copy($file, "$DIR/$name.$$") or die "$name: $!";
        rename "$DIR/$name.$$", "$DIR/$name" or die "$name: $!";
    }

    return undef;
}


sub browse {
    my ($name, $nginx, %opt) = @_;

    my $failed = install();

    if (defined $failed) {
        fail "$name: what the browser needs is there";
        diag $failed;
        return;
    }

    my $pid = open2(my $out, my $in, 'node', "$DIR/$name.mjs");

    # a child that hangs takes its browser with it
    local $SIG{ALRM} = sub { kill 'KILL', $pid };
    local $SIG{PIPE} = 'IGNORE';
    alarm $SECONDS * $Jamhook::Env::PATIENCE;

    $in->autoflush(1);
    print $in $json->encode({
        name => $name, shots => "$DIR/shots", all_shots => $ENV{SHOTS} ? 1 : 0,
        patience => $Jamhook::Env::PATIENCE, pid => $$,
        site => 'http://127.0.0.1:' . $nginx->port, %{ $opt{tell} || {} },
    }), "\n";

    while (my $line = <$out>) {
        my $said = eval { $json->decode($line) };

        if (ref $said ne 'HASH') {
            diag $line;

        } elsif (defined $said->{note}) {
            diag $said->{note};

        } elsif (defined $said->{ask}) {
            my $code = $opt{can}{$said->{ask}};
            my $answer = $code ? eval { { answer => $code->($said->{with}) } }
                         : { failed => "nobody can \"$said->{ask}\"" };

            print $in $json->encode($answer || { failed => "$@" }), "\n";

        } else {
            ok $said->{ok}, "$name: $said->{name}";
        }
    }

    close $in;
    waitpid $pid, 0;
    alarm 0;

    is $?, 0, "$name: the browser's program ends well";
}


# An nginx with a portal, and a target behind its endpoints:
#
#   fin       Intercom Fin's connector; the target answers it by conversation
#   audit     takes all; some events come to it alone, by /any
#   crm       does not answer well: its deliveries are pending, for hours
#   legacy    is gone
#
# "answers" are more rules of the target, as hashes.  And the portal three
# times: /jamhook/ for all, /agents/ where acting needs a password (admin, "let
# me in"), and /readers/ where nobody may act.
sub shop {
    my (%opt) = @_;

    my $portal = 'jamhook_portal conversation_url='
                 . 'https://app.intercom.com/a/inbox/acme/conversation/;';
    my $target = Jamhook::Target->new([
        { prefix => '/workflows', steps => [{ status => 200 }] },
        { prefix => '/audit', steps => [{ status => 200 }] },
        { prefix => '/crm', steps => [{ status => 503,
          body => '{"error":"maintenance"}' }] },
        { prefix => '/legacy', steps => [{ status => 410 }] },
        @{ delete $opt{answers} || [] }]);

    my $nginx = Jamhook::Nginx->new(store => 1, %opt,
        target => $target->port,
        server => qq{
        location = /jam {
            jamhook_pass    fin audit;
            jamhook_verify  keys/P1.key;
        }

        location = /any {
            jamhook_pass    audit;
            jamhook_verify  keys/P1.key;
        }

        location = /sales {
            jamhook_pass    crm legacy;
            jamhook_verify  keys/P2.key;
        }

        location /fin {
            jamhook_endpoint   fin;
            jamhook_connector  intercom_fin;
            jamhook_sign       keys/S1.key;
            jamhook_final      404 409;
            proxy_pass         http://127.0.0.1:%{target}/workflows/9f3;
        }

        location = /audit {
            jamhook_endpoint  audit;
            jamhook_sign      keys/both.key;
            proxy_pass        http://127.0.0.1:%{target}/audit;
        }

        location = /crm {
            jamhook_endpoint  crm;
            jamhook_sign      keys/S1.key;
            jamhook_retry     1h 2h;
            proxy_pass        http://127.0.0.1:%{target}/crm;
        }

        location = /legacy {
            jamhook_endpoint  legacy;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:%{target}/legacy;
        }

        location /jamhook/ { $portal }

        location /agents/ {
            $portal
            limit_except GET {
                auth_basic            "Who may act";
                auth_basic_user_file  %{dir}/admins;
            }
        }

        location /readers/ {
            $portal
            limit_except GET { deny all; }
        }
    });

    Jamhook::Env::write_file($nginx->dir . '/admins',
                             "admin:{PLAIN}let me in\n");

    return ($nginx, $target);
}


# What a recorder's event says.
sub recorded {
    my ($conversation, %data) = @_;

    return { id => "evt_$conversation", type => 'intercom.recorder.recorded',
             created_at => '2025-09-09T12:00:00Z',
             data => { conversationId => $conversation, jamId => 'jam-1',
                       recording_url => 'https://jam.dev/r/rec_12345', %data },
    };
}


sub body { return $json->encode($_[0]) }


# Sends an event, by default to /jam; the answer.
sub event {
    my ($nginx, $body, %with) = @_;

    return $nginx->send(Jamhook::event(
        body => ref $body ? body($body) : $body, %with));
}


1;
