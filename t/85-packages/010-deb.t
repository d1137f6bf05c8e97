# What .debian names is there, and says what the source says. Building the
# packages takes longer, as root in a Debian of its own: make deb-test.

use strict;
use warnings;

use lib 't/lib';
use Jamhook::Env;
use Test::More;

sub lines { return grep { !/^(?:#|$)/ } split /\n/, Jamhook::Env::slurp($_[0]) }

my $control = Jamhook::Env::slurp('.debian/control');
my @packages = $control =~ /^Package: (\S+)$/mg;

is "@packages", 'libnginx-mod-http-jamhook jamhook', 'two packages';

# installed, made or named by hand: what begins with usr/ is made by the build
for my $file (glob '.debian/*.{docs,examples,manpages,install}') {
    my ($package) = $file =~ m{/([^/]+)\.\w+$};

    ok +(grep { $_ eq $package } @packages), "$file is for a package";
    ok m{^usr/} || (grep { -e } glob $_), "$file: $_" for lines($file);
}

for my $file (glob '.debian/*.{postinst,postrm}') {
    like Jamhook::Env::slurp($file), qr/^#DEBHELPER#$/m,
         "$file has debhelper's part";
    is system('sh', '-n', $file), 0, '... and is a script';
}

# licences

my $copyright = Jamhook::Env::slurp('.debian/copyright');
my ($ours) = Jamhook::Env::slurp('LICENSE') =~ /^(Redistribution.*)/ms;

for my $text ($ours, Jamhook::Env::slurp('src/front/ngx_http_jamhook_page.c')
                     =~ /^ \* (Permission is hereby.*?SOFTWARE\.)\n \*\n/ms) {
    my $same = quotemeta(join ' ', split ' ', $text =~ s/^ \* ?//gmr);
    my $there = join ' ', grep { $_ ne '.' } split ' ', $copyright;

    like $there, qr/$same/, 'copyright: ' . substr $text, 0, 20;
}

my $page = Jamhook::Env::slurp('src/front/ngx_http_jamhook_page.c');

like $copyright, qr/^ .*\b\Q$_\E$/m, "copyright: $_"
    for $page =~ /^ \* Copyright \(c\) (\d.*)$/mg;

# the version, before something is made of it

my ($release) = Jamhook::Env::slurp('CHANGES.md') =~ /^## (\S+)/m;

like Jamhook::Env::slurp('src/ngx_http_jamhook.h'),
     qr/^#define NGX_HTTP_JAMHOOK_VERSION +"\Q$release\E"$/m, 'one version';

done_testing;
