# modes: plain
#
# Modules of later versions over a store that is in use, and back: the next one,
# whose tables the present one can use, beside it and after it; and one further
# on, which the present one refuses without harm.
#
# The later ones are the present module with more steps in its schema.

use lib 't/lib', 't/57-endure';
use File::Path qw(make_path);
use Test::More;
use Jamhook::Nginx;
use Endure;

plan skip_all => 'it loads modules, and one is inside of this nginx'
    if $Jamhook::Env::MODULE eq '';

my $top = $Jamhook::Env::TOP;
my $present = $Jamhook::Env::MODULE;

# the files of the store that know the version, with another one
sub later {
    my ($version) = @_;

    my $dir = Jamhook::Env::tmp() . "/version-$version";
    my @files = map { "ngx_http_jamhook_sqlite_$_" } qw(guest open schema);
    my $nginx = $ENV{NGINX_SRC} || '/usr/share/nginx/src';

    make_path($dir);

    for my $path (glob("$top/src/store/*.h"),
                  map { "$top/src/store/$_.c" } @files)
    {
        my $text = Jamhook::Env::slurp($path) . "\n";

        $text =~ s/(#define NGX_HTTP_JAMHOOK_SQLITE_VERSION +)1 /$1$version /
            or die "no version of the schema" if $path =~ /sqlite\.h$/;

        $text =~ s/(\{ ngx_http_jamhook_sqlite_version_1 \})\n/
                   join(', ', $1, map { "{ later_$_ }" } 2 .. $version) . "\n"/e
            && $text =~ s/(?=\/\* by version - 1)/join '', map {
                   "static const char  *later_$_\[] = { \"ALTER TABLE events"
                   . " ADD COLUMN later_$_ INTEGER DEFAULT $_\", NULL };\n"
               } 2 .. $version/e or die 'no steps' if $path =~ /_schema\.c$/;

        Jamhook::Env::write_file("$dir/" . $path =~ s{.*/}{}r, $text);
    }

    my $include = join ' ', map { "-I $_" } $dir, "$top/build/objs",
        glob("$top/src $top/src/*/"),
        map { "$nginx/src/$_" } qw(core event event/modules event/quic os/unix
                                   http http/modules http/v2 http/v3);
    my $known = join '|', map { quotemeta } @files;
    my $objects = join ' ', grep { !/\/(?:$known)\.o$/ }
                  split /\n/, `find $top/build/objs -name '*.o'`;
    my $libraries = '-lcrypto -lcjson -lsqlite3'
        . (`grep NGX_HTTP_JAMHOOK_PGSQL $top/build/objs/ngx_auto_config.h`
           ? ' -lpq' : '');

    my $said = `cd $dir && cc -O1 -g -fPIC $include -c *.c 2>&1 \\
                && cc -shared -o module.so *.o $objects $libraries 2>&1`;
    die $said if $?;

    return "$dir/module.so";
}

my ($next, $further) = (later(2), later(3));

my $target = Jamhook::Target->new(my $rules = '/e ' . join ' | ',
    map { $_ % 3 ? '500 delay=20ms' : '200 delay=20ms' } 1 .. 2999);
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => ingest('e')
        . endpoint('e', 'jamhook_retry ' . join(' ', ('300ms') x 60) . ';'));

sub version { $nginx->store->value('pragma user_version') }

# another module in the configuration; a master that runs has the old one
sub module {
    $Jamhook::Env::MODULE = shift;
    $nginx->configure;
}

sub go_on {
    my ($sender) = @_;
    return $sender->wait(20 + keys %{ $sender->sent },
                         20 * $Jamhook::Env::PATIENCE);
}

sub workers_of {
    local $nginx->{pid} = shift;
    return $nginx->workers;
}

my $sender = Endure->new($nginx, 's');
ok go_on($sender), 'events come';
is version(), 1, 'the store is of the present version';

# the next version beside the present one

my $old = $nginx->pid;
my @old = $nginx->workers;
my $new;

module($next);
$nginx->signal('USR2');
ok $nginx->wait_for(sub {
       ($new) = Jamhook::Env::slurp($nginx->dir . '/nginx.pid') =~ /^(\d+)/;
       $new && $new != $old && workers_of($new) == 2;
   }, 10 * $Jamhook::Env::PATIENCE), 'the next version comes beside it';
ok $nginx->wait_for(sub { version() == 2 }), '... and moves the store on';

my $before = $nginx->log;
ok go_on($sender), 'events go on';

# those of either
sub told {
    my %told = map { /\] (\d+)#.*jamhook deliver(?:ed|y)/ ? ($1 => 1) : () }
               ($nginx->log)[$before .. $nginx->log - 1];
    return grep { $told{$_} } @_;
}

ok $nginx->wait_for(sub { told(@old) && told(workers_of($new)) }),
   'the workers of both deliver';

# a step back, without a restore

module($present);
kill 'QUIT', $new;
ok gone($new), 'the next version goes';
ok go_on($sender), 'the present one goes on with the store';
is version(), 2, '... which stays as it is';
is scalar($nginx->workers), 2, '... with workers';
ok $nginx->upgrade, 'and is started on it, too';
ok go_on($sender), '... and takes events';

# two versions on, and back

module($further);
ok $nginx->upgrade, 'a version further on';
ok $nginx->wait_for(sub { version() == 3 }), '... moves the store on';
ok go_on($sender), '... and takes events';

# ... the last of which wait
my $sent = $sender->stop;
my $stored = grep { $_ == 200 } values %$sent;

$target->set('503');
is $nginx->send(Jamhook::event(body => '{}', id => "w$_"))->{status}, 200,
   "an event that waits, $_" for 1 .. 5;
$stored += 5;

$old = $nginx->pid;
module($present);
ok $nginx->upgrade, 'the present version';
ok gone($old), '... takes the place of the other';
ok $nginx->wait_for(sub { $nginx->logged(qr/made by a later version/) }),
   'says that the store was made by a later version';
is $nginx->send(Jamhook::event(body => '{}', id => 'no'))->{status}, 503,
   '... and takes no event';
is version(), 3, '... and does nothing to the store';
is $nginx->store->value('select count(*) from events'), $stored,
   '... in which all is there';

$target->set('200');
module($next);
ok $nginx->upgrade, 'the version in between';
ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE),
   '... delivers what waited';
is $nginx->store->counts->{succeeded}, $stored, '... all of it';
is scalar(keys %{ arrived($target) }), $stored, '... each arrived';
is_deeply [overlaps(15, $target->requests)], [],
          '... none was sent twice at once';
is $nginx->store->check, 'ok', '... and the store is whole';

# a reload with the module in another place goes on with the one that is loaded

module($further);
ok $nginx->reload, 'a reload with another module';
is $nginx->send(Jamhook::event(body => '{}', id => 'r'))->{status}, 200,
   '... takes events';
ok $nginx->store->idle, '... and delivers them';

$nginx->ends_well(expected => [qr/\[crit\].*made by a later version/]);
done_testing;
